package deb

import (
	"io"
	"strings"
)

// Field is one field of a paragraph. Value is as written, without the white
// space around it; the lines after the first keep their indentation and follow a
// line feed.
type Field struct {
	Name, Value string
}

// Paragraph is one stanza of a deb822 file, with its fields in the order of the
// file.
type Paragraph struct {
	Fields []Field
	Line   int // of its first field, counted from 1; 0 where it was not read
}

// Get returns the value of the named field, whatever its case, and "" where the
// paragraph has none.
func (p *Paragraph) Get(name string) string {
	v, _ := p.Lookup(name)
	return v
}

// Lookup is Get, and says whether there is such a field.
func (p *Paragraph) Lookup(name string) (string, bool) {
	for i := range p.Fields {
		f := &p.Fields[i]
		if len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Names returns the names of the fields in order.
func (p *Paragraph) Names() []string {
	names := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		names[i] = f.Name
	}
	return names
}

// Lines returns the continuation lines of a field such as Conffiles or SHA256,
// each without the white space around it.
func (p *Paragraph) Lines(name string) []string {
	_, rest, _ := strings.Cut(p.Get(name), "\n")
	if rest == "" {
		return nil
	}
	lines := strings.Split(rest, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// String returns the paragraph as it stands in a file, without the empty line
// after it.
func (p *Paragraph) String() string {
	var b strings.Builder
	for _, f := range p.Fields {
		b.WriteString(f.Name + ":")
		if f.Value != "" && f.Value[0] != '\n' {
			b.WriteByte(' ')
		}
		b.WriteString(f.Value + "\n")
	}
	return b.String()
}

// WriteTo writes String.
func (p *Paragraph) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.String())
	return int64(n), err
}
