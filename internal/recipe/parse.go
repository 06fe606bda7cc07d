package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits of a recipe. They are far above what a person writes, and low enough
// that a hostile one costs nothing.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 32      // nested lists and mappings
)

// Parse reads a recipe; name is what messages call the file. The Recipe is
// complete with its defaults, and nil if there is any problem.
func Parse(name string, src []byte) (*Recipe, Problems) {
	r := &Recipe{}
	d, complete := decode(name, "recipe", src, r)
	if !complete {
		return nil, d.problems
	}
	(&checker{d}).recipe(r)
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	r.fillDefaults()
	r.document = &document{path: name, text: src, source: d.source, places: d.places}
	r.document.folder, r.document.file = filepath.Split(name)
	return r, nil
}

// decode fills v, a pointer to a struct, from a document; complete tells whether
// there was one at all.
func decode(name, noun string, src []byte, v any) (d *decoder, complete bool) {
	text := string(bytes.TrimPrefix(src, []byte("\ufeff")))
	d = &decoder{source: newSource(name, noun, text), places: map[string]place{}}
	if d.problems = d.checkBytes(text); d.problems != nil {
		return d, false
	}
	var root *yaml.Node
	if root, d.problems = d.tree(text); root == nil {
		return d, false
	}
	d.form(root, 0)
	d.value(root, reflect.ValueOf(v).Elem(), "")
	return d, true
}

// checkBytes refuses what is no text, before YAML sees it. YAML would take
// U+0085, U+2028 and U+2029 as line ends, editors do not.
func (s *source) checkBytes(text string) Problems {
	if len(text) > maxSize {
		return Problems{s.at(1, 1, 1, fmt.Sprintf("the %s is too large: %d bytes, at most %d are read", s.noun, len(text), maxSize))}
	}
	for i, line := range s.lines {
		column := 0
		for j, r := range line {
			column++
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(line[j:], "\ufffd"):
				p := s.at(i+1, column, 1, "the file is not UTF-8 text")
				p.Note = fmt.Sprintf("byte %#02x; save it as UTF-8", line[j])
				return Problems{p}
			case isControl(r) || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfffe || r == 0xffff || r == 0xfeff:
				p := s.at(i+1, column, 1, fmt.Sprintf("control character %U in the file", r))
				p.Note = "take it out; in a text in double quotes it can be written as an escape"
				return Problems{p}
			}
		}
	}
	return nil
}

// tree parses the text into its one document. The root is nil if there is none.
func (s *source) tree(text string) (*yaml.Node, Problems) {
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, Problems{s.at(1, 1, 1, err.Error())}
	}
	var doc, second yaml.Node
	err = loader.Load(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil, Problems{s.empty()}
	case err != nil:
		return nil, Problems{s.syntax(err)}
	case len(doc.Content) == 0 || isNull(doc.Content[0]):
		return nil, Problems{s.empty()}
	}
	err = loader.Load(&second)
	switch {
	case errors.Is(err, io.EOF):
		return doc.Content[0], nil
	case err != nil:
		return nil, Problems{s.syntax(err)}
	}
	p := s.at(second.Line, second.Column, 1, "a "+s.noun+" is one YAML document, here begins a second")
	p.Note = "put it into a file of its own"
	return doc.Content[0], Problems{p}
}

func (s *source) empty() Problem {
	p := s.at(1, 1, 1, "the "+s.noun+" is empty")
	if s.noun == "recipe" {
		p.Note = "begin with \"kiln: v1\", or let \"kiln init\" write a first recipe"
	}
	return p
}

// form looks at the whole tree for what YAML has and a recipe has not: anchors
// (which can be nested into a bomb), merge keys, tags, deep nesting. An alias has
// an anchor, so it is not reported again.
func (d *decoder) form(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		d.report(d.node(n, fmt.Sprintf("nested too deeply: more than %d levels", maxDepth)))
		return
	case n.Anchor != "":
		d.notPart(n, 1+utf8.RuneCountInString(n.Anchor), "anchors and aliases are not part of a "+d.noun, "write the value out where it is wanted")
	case n.Style&yaml.TaggedStyle != 0:
		d.notPart(n, 1, fmt.Sprintf("tags are not part of a %s: %q", d.noun, shorten(n.Tag)), "put the value in quotes if it is to be a text")
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && isMerge(c) {
			d.notPart(c, 2, "merge keys are not part of a "+d.noun, "write the keys out")
		}
		d.form(c, depth+1)
	}
}

func (d *decoder) notPart(n *yaml.Node, length int, text, note string) {
	p := d.at(n.Line, n.Column, length, text)
	p.Note = note
	d.report(p)
}

func isMerge(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!merge" }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
