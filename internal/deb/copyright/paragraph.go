package copyright

import "strings"

// paragraph is one paragraph of a machine-readable file, read leniently: package
// deb's reader is as strict as dpkg, and copyright files need not be.
type paragraph []field

type field struct {
	name  string // in small letters
	first string // the first line
	rest  string // the lines after it, without their indentation
}

// get is the first line of a field; empty where there is none.
func (p paragraph) get(name string) string {
	f, _ := p.field(name)
	return f.first
}

func (p paragraph) field(name string) (field, bool) {
	for _, f := range p {
		if f.name == strings.ToLower(name) {
			return f, true
		}
	}
	return field{}, false
}

// paragraphs splits a text. What has no place in a paragraph is passed over.
func paragraphs(text string) []paragraph {
	var all []paragraph
	var open paragraph
	var rest []string
	closeField := func() {
		if len(open) > 0 {
			open[len(open)-1].rest = strings.TrimRight(strings.Join(rest, "\n"), "\n ")
		}
		rest = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\n")
		switch {
		case line == "":
			closeField()
			if open != nil {
				all = append(all, open)
			}
			open = nil
		case line[0] == ' ' || line[0] == '\t':
			rest = append(rest, continuation(line))
		case line[0] == '#':
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok || strings.ContainsAny(name, " \t") {
				rest = append(rest, line) // somebody forgot to indent it
				continue
			}
			closeField()
			open = append(open, field{name: strings.ToLower(name), first: strings.TrimSpace(value)})
		}
	}
	closeField()
	if open != nil {
		all = append(all, open)
	}
	return all
}

// continuation is a line of a formatted text (copyright format 1.0, section 5.1).
func continuation(line string) string {
	line = line[1:]
	if strings.TrimSpace(line) == "." {
		return ""
	}
	return line
}
