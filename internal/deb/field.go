package deb

import (
	"fmt"
	"strings"
)

const maxFields = 1000

// fieldCutter takes the fields of a paragraph one by one.
type fieldCutter struct {
	rest string // whole lines
	line int    // of rest
}

// next cuts the next field off.
func (c *fieldCutter) next() (Field, error) {
	name, rest, err := c.name()
	if err != nil {
		return Field{}, fmt.Errorf("cannot read line %d: %w", c.line, err)
	}
	n, lines, err := valueEnd(rest)
	if err != nil {
		return Field{}, fmt.Errorf("cannot read line %d: %w in the value of field %q", c.line+lines, err, name)
	}
	c.line += lines
	c.rest = rest[n:]
	return Field{name, trimValue(rest[:n])}, nil
}

// name splits the field's name, the white space behind it and the colon off.
func (c *fieldCutter) name() (name, rest string, err error) {
	n := 0
	for n < len(c.rest) && c.rest[n] != ':' && !isSpace(c.rest[n]) {
		if c.rest[n] < '!' || c.rest[n] > '~' {
			return "", "", fmt.Errorf("a field name holds %q", c.rest[n:n+1])
		}
		n++
	}
	name, rest = c.rest[:n], strings.TrimLeft(c.rest[n:], " \t")
	switch {
	case name == "":
		return "", "", fmt.Errorf("no field name before %q", excerptLine(c.rest))
	case name[0] == '-' || name[0] == '#':
		return "", "", fmt.Errorf("field name %q starts with %q", excerpt(name), name[:1])
	case rest == "" || rest[0] != ':':
		return "", "", fmt.Errorf("no colon after the field name %q", excerpt(name))
	}
	return name, rest[1:], nil
}

// valueEnd returns the length of a value with its continuation lines, in bytes
// and in lines. An error stands in the line that comes after so many.
func valueEnd(s string) (n, lines int, err error) {
	for {
		i := strings.IndexByte(s[n:], '\n')
		n += i + 1
		lines++
		if n == len(s) || s[n] != ' ' && s[n] != '\t' {
			return n, lines, nil
		}
		if isBlankLine(s[n:]) {
			return n, lines, fmt.Errorf("blank line")
		}
	}
}

func isBlankLine(s string) bool {
	for i := range len(s) {
		if s[i] == '\n' {
			return true
		}
		if !isSpace(s[i]) {
			return false
		}
	}
	return true
}

// trimValue drops white space around the value, but leaves an empty first line.
func trimValue(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	for s != "" && s[0] != '\n' && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// checkNew refuses a second field of one name, and too many fields.
func (c *fieldCutter) checkNew(fields []Field, name string) error {
	for i := range fields {
		if len(fields[i].Name) == len(name) && strings.EqualFold(fields[i].Name, name) {
			return fmt.Errorf("cannot read the paragraph up to line %d: field %q stands there twice", c.line-1, name)
		}
	}
	if len(fields) == maxFields {
		return fmt.Errorf("cannot read the paragraph up to line %d: it has more than %d fields", c.line-1, maxFields)
	}
	return nil
}

func excerptLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return excerpt(line)
}
