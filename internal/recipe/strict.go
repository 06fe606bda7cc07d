package recipe

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Strict is a YAML document of another kind that was read as strictly as a recipe:
// every problem with its place, unknown keys refused. Checks that follow add to it.
type Strict struct {
	d        *decoder
	complete bool
}

// Decode fills v, a pointer to a struct with yaml tags, from src. name is what
// messages call the file, noun what they call such a document. Of a field, the tag
// jsonschema:"required" says that it must be there, need what to write where it is
// not, and short:"true" that a bare value in place of the mapping fills it.
func Decode(name, noun string, src []byte, v any) *Strict {
	d, complete := decode(name, noun, src, v)
	return &Strict{d, complete}
}

// Problems are all that were found so far, sorted; nil where all is well.
func (s *Strict) Problems() Problems {
	s.d.problems.sort()
	return s.d.problems
}

// Usable tells whether the value of a part could be read; what could not has been
// complained about. Of a document that is none, nothing is.
func (s *Strict) Usable(part string) bool {
	return s.complete && !s.d.places[part].bad
}

// Written tells whether the part stands in the document.
func (s *Strict) Written(part string) bool {
	_, ok := s.d.places[part]
	return ok && s.Usable(part)
}

// Refuse adds a problem of a part, written as for Recipe.Problem; of a part that is
// not there, the nearest part around it is marked. Of each part one is told.
func (s *Strict) Refuse(part, text, note, suggestion string) {
	if !s.Usable(part) {
		return
	}
	p := s.d.node(s.node(part), text)
	p.Note, p.Suggestion = note, suggestion
	s.d.report(p)
	s.d.places[part] = place{s.node(part), true}
}

// RefuseInside adds a problem of length characters at a place inside the text that
// is the value of a part: offset counts the characters of that value.
func (s *Strict) RefuseInside(part string, offset, length int, text, note, suggestion string) {
	n := s.node(part)
	line, column := s.d.inside(n, offset)
	p := s.d.at(line, column, length, text)
	p.Note, p.Suggestion = note, suggestion
	s.d.report(p)
}

// Line is the line at which a part stands, from 1.
func (s *Strict) Line(part string) int { return s.node(part).Line }

func (s *Strict) node(part string) *yaml.Node {
	for {
		if p, ok := s.d.places[part]; ok && p.node != nil {
			return p.node
		}
		if part == "" {
			return &yaml.Node{Kind: yaml.ScalarNode, Line: 1, Column: 1}
		}
		part = part[:max(strings.LastIndexAny(part, ".["), 0)]
	}
}

// inside finds the character of the file at which character offset of a scalar's
// value stands. It goes through both texts side by side: a run of white space of the
// one is one of the other, however it was folded or indented.
func (s *source) inside(n *yaml.Node, offset int) (line, column int) {
	w := &reading{source: s, line: n.Line, column: n.Column}
	quote := rune(0)
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		quote = w.next()
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.line, w.column = n.Line+1, 1
	}
	value := []rune(n.Value)
	for i := 0; i < min(offset, len(value)) && !w.ended(); {
		if isBlank(value[i]) {
			for i < min(offset, len(value)) && isBlank(value[i]) {
				i++
			}
			w.blanks()
			continue
		}
		w.blanks()
		r := w.next()
		if quote == '"' && r == '\\' || quote == '\'' && r == '\'' {
			w.next()
		}
		i++
	}
	if offset < len(value) && !isBlank(value[offset]) {
		w.blanks()
	}
	return w.line, w.column
}

// reading goes through the characters of a file.
type reading struct {
	*source
	line, column int // of the next character, from 1
}

func (w *reading) ended() bool { return w.line > len(w.lines) }

// next takes a character; a line end is '\n'.
func (w *reading) next() rune {
	if w.ended() {
		return 0
	}
	if chars := w.characters(w.line); w.column <= len(chars) {
		w.column++
		return chars[w.column-2]
	}
	w.line, w.column = w.line+1, 1
	return '\n'
}

// blanks passes over white space.
func (w *reading) blanks() {
	for !w.ended() {
		chars := w.characters(w.line)
		if w.column <= len(chars) && !isBlank(chars[w.column-1]) {
			return
		}
		if w.line == len(w.lines) && w.column > len(chars) {
			return
		}
		w.next()
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }
