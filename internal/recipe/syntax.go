package recipe

import (
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// syntax turns an error of the YAML parser into a Problem in the words of a
// recipe's author.
func (s *source) syntax(err error) Problem {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return s.at(1, 1, 1, "not valid YAML: "+err.Error())
	}
	if p, ok := s.tab(e.Mark.Line); ok {
		return p
	}
	for _, m := range mistakes() {
		if e.Message != m.message || !strings.Contains(e.ContextMsg, m.context) {
			continue
		}
		mark := e.Mark
		if m.opening && e.ContextMark.Line > 0 {
			mark = e.ContextMark
		}
		p := s.at(mark.Line, mark.Column, 1, m.text)
		p.Note = m.note
		return p
	}
	text := "not valid YAML: " + e.Message
	if e.ContextMsg != "" {
		text += " (" + e.ContextMsg + ")"
	}
	return s.at(e.Mark.Line, e.Mark.Column, 1, text)
}

// tab finds a tab in the indent of a line that YAML choked on.
func (s *source) tab(line int) (Problem, bool) {
	if line < 1 || line > len(s.lines) {
		return Problem{}, false
	}
	content := s.lines[line-1]
	indent := content[:len(content)-len(strings.TrimLeft(content, " \t"))]
	i := strings.IndexByte(indent, '\t')
	if i < 0 {
		return Problem{}, false
	}
	p := s.at(line, i+1, utf8.RuneCountInString(indent)-i, "a tab in the indent")
	p.Note = "YAML indents with spaces only"
	return p, true
}

// mistake is a message of the YAML parser and what it most often means.
type mistake struct {
	message, context string
	opening          bool // the place is where the construct began
	text, note       string
}

func mistakes() []mistake {
	return []mistake{
		{"mapping values are not allowed in this context", "", false, "unexpected \":\"",
			"put a text that holds \": \" in quotes, and check the indent of this line"},
		{"did not find expected key", "block mapping", false, "this line does not fit the ones above",
			"keys of one mapping begin in the same column"},
		{"did not find expected '-' indicator", "", false, "this line does not fit the list above",
			"items of one list begin with \"- \" in the same column"},
		{"could not find expected ':'", "", true, "not a key with a value", "write \"key: value\", with a space after the colon"},
		{"found character that cannot start any token", "", false, "a text cannot begin with this character", "put the text in quotes"},
		{"found unexpected end of stream", "quoted", true, "this quote is never closed", ""},
		{"did not find expected ',' or ']'", "", true, "this list is never closed, or lacks a comma", ""},
		{"did not find expected ',' or '}'", "", true, "this mapping is never closed, or lacks a comma", ""},
		{"found unknown escape character", "", false, "unknown escape in a text in double quotes",
			"write \"\\\\\" for a backslash, or use single quotes"},
	}
}
