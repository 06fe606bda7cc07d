package debconf

import (
	"fmt"
	"strings"
)

// Template is one stanza of a templates file, its fields in lower case. The
// extended part of a field stands under "extended_" and its name.
type Template struct {
	Name   string
	Fields map[string]string
}

// Type returns the type of the template.
func (t Template) Type() string { return t.Fields["type"] }

// fieldLine reads "Name: value". It, and the paragraph rules below, are those of
// Debconf::Template, whose expression is ^([-_@.A-Za-z0-9]*):\s?(.*)$.
func fieldLine(line string) (name, value string, ok bool) {
	end := strings.IndexFunc(line, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '@' || r == '.')
	})
	if end < 0 || line[end] != ':' {
		return "", "", false
	}
	value = line[end+1:]
	if value != "" && strings.Contains(space, value[:1]) {
		value = value[1:]
	}
	return line[:end], value, true
}

const space = " \t\r\f\v"

// ParseTemplates reads a templates file, as debconf-devel(7) describes it.
func ParseTemplates(text []byte) ([]Template, error) {
	var all []Template
	for n, stanza := range strings.Split(string(text), "\n\n") {
		stanza = strings.Trim(stanza, "\n")
		if stanza == "" {
			continue
		}
		t, err := parseStanza(stanza)
		if err != nil {
			return nil, fmt.Errorf("cannot read stanza %d of the templates: %w", n+1, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func parseStanza(stanza string) (Template, error) {
	s := stanzaReader{fields: map[string]string{}}
	for line := range strings.SplitSeq(stanza, "\n") {
		if err := s.line(line); err != nil {
			return Template{}, err
		}
	}
	if err := s.save(); err != nil {
		return Template{}, err
	}
	name := s.fields["template"]
	if name == "" {
		return Template{}, fmt.Errorf("there is no Template field")
	}
	if strings.Contains(name, ", ") { // the database separates owners so
		return Template{}, fmt.Errorf("%q is no name", name)
	}
	if s.fields["type"] == "" {
		return Template{}, fmt.Errorf("%q has no Type field", name)
	}
	delete(s.fields, "template")
	return Template{name, s.fields}, nil
}

type stanzaReader struct {
	fields                 map[string]string
	field, value, extended string
}

// line takes one line. In extended parts, lines are joined with a space, " ."
// is an empty line, and what is indented further stands as it is.
func (s *stanzaReader) line(line string) error {
	if name, value, ok := fieldLine(line); ok {
		if err := s.save(); err != nil {
			return err
		}
		s.field, s.value, s.extended = strings.ToLower(name), strings.TrimRight(value, space), ""
		return nil
	}
	if line == "" || !strings.Contains(space, line[:1]) {
		return fmt.Errorf("%q is neither a field nor the continuation of one", line)
	}
	bit := strings.TrimRight(line[1:], space)
	switch fresh := s.extended == "" || strings.HasSuffix(s.extended, "\n") || strings.HasSuffix(s.extended, " "); {
	case line[1:] == ".":
		s.extended += "\n\n"
	case len(line) > 1 && strings.Contains(space, line[1:2]):
		if !fresh {
			s.extended += "\n"
		}
		s.extended += bit + "\n"
	default:
		if !fresh {
			s.extended += " "
		}
		s.extended += bit
	}
	return nil
}

func (s *stanzaReader) save() error {
	if s.field == "" {
		return nil
	}
	if _, ok := s.fields[s.field]; ok {
		return fmt.Errorf("the field %q is there twice", s.field)
	}
	s.fields[s.field] = s.value
	if extended := strings.TrimRight(s.extended, "\n"); extended != "" {
		s.fields["extended_"+s.field] = extended
	}
	return nil
}

// Load adds the templates of a package, and a question for each.
func (db *DB) Load(templates []Template, owner string) {
	for _, t := range templates {
		it := db.newTemplate(t.Name, owner, t.Type())
		clear(it.fields)
		for name, value := range t.Fields {
			it.fields[name] = value
		}
	}
}
