package recipe

import (
	"bytes"
	"reflect"
	"strings"
)

// Strict is another document that is read as strictly as a recipe is: every unknown
// or doubled key, wrong type, tab and alias is a problem, with its place. Its types
// have the yaml and jsonschema tags that a Recipe's have.
type Strict struct{ decoder }

// ReadStrict fills v, a pointer to a struct, from src. name is what messages call the
// file, noun the document: "trust policy". What v cannot say by its types is checked
// by the caller, who reports it to Problem; then Problems has all.
func ReadStrict(name, noun string, src []byte, v any) *Strict {
	text := string(bytes.TrimPrefix(src, []byte("\ufeff")))
	s := newSource(name, text)
	s.noun = noun
	d := &Strict{decoder{source: s, places: map[string]place{}}}
	if d.problems = s.checkBytes(text); d.problems != nil {
		return d
	}
	root, problems := s.tree(text)
	d.problems = problems
	if root != nil {
		d.form(root, 0)
		d.value(root, reflect.ValueOf(v).Elem(), "")
	}
	return d
}

// Written reports whether the value at a path, such as "keys[0].until", is there and
// no problem is known of it.
func (s *Strict) Written(path string) bool {
	p, ok := s.places[path]
	return ok && !p.bad
}

// Problem reports something about the value at path, or, where it is not there, at
// the nearest value around it; once. The note helps to mend it, and may be empty.
func (s *Strict) Problem(path, note, format string, args ...any) {
	if p, ok := s.places[path]; ok && p.bad {
		return
	}
	for at := path; ; {
		if p, ok := s.places[at]; ok || at == "" {
			if p.node != nil {
				s.refuse(p.node, path, note, format, args...)
			}
			return
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
}

// Suggest is Problem for a word that is none of the known ones.
func (s *Strict) Suggest(path, word string, known []string, format string, args ...any) {
	before := len(s.problems)
	s.Problem(path, "known: "+strings.Join(known, ", "), format, args...)
	if len(s.problems) > before {
		s.problems[before].Suggestion = nearest(word, known)
	}
}

// Problems are all that were found, sorted.
func (s *Strict) Problems() Problems {
	s.problems.sort()
	return s.problems
}
