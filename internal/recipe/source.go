package recipe

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// source is the text of a recipe, or of another document that is read as strictly,
// by lines, for messages.
type source struct {
	name  string
	noun  string // what messages call such a document: "recipe"
	lines []string

	line  int    // whose characters are in runes, from 1
	runes []rune // kept: a hostile recipe is one long line with a problem at every word
}

func newSource(name, noun, text string) *source {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	return &source{name: name, noun: noun, lines: strings.Split(text, "\n")}
}

// at makes a Problem of a place. A place outside the file is moved into it.
func (s *source) at(line, column, length int, text string) Problem {
	line = min(max(line, 1), len(s.lines))
	column = min(max(column, 1), len(s.characters(line))+1)
	return Problem{File: s.name, Line: line, Column: column, Length: max(length, 1), Text: text, Source: s.lines[line-1]}
}

func (s *source) characters(line int) []rune {
	if s.line != line {
		s.line, s.runes = line, []rune(s.lines[line-1])
	}
	return s.runes
}

// node makes a Problem of a node; a mapping or list is marked at its start.
func (s *source) node(n *yaml.Node, text string) Problem {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		n = n.Content[0]
	}
	return s.at(n.Line, n.Column, s.length(n), text)
}

// length counts the characters that a scalar takes in the file, quotes included;
// of one over several lines, those of its first.
func (s *source) length(n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode || n.Line < 1 || n.Line > len(s.lines) {
		return 1
	}
	rest := s.characters(n.Line)
	rest = rest[min(max(n.Column-1, 0), len(rest)):]
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return quoted(rest)
	}
	if value := []rune(n.Value); len(value) <= len(rest) && slices.Equal(rest[:len(value)], value) {
		return len(value)
	}
	return 1
}

// quoted counts the characters of the quoted text that s begins with.
func quoted(s []rune) int {
	escaped := false
	for i, r := range s {
		if i > 0 && r == s[0] && !escaped {
			return i + 1
		}
		escaped = r == '\\' && !escaped && s[0] == '"'
	}
	return len(s)
}
