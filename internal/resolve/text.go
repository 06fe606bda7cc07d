package resolve

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/deb"
)

// label names a candidate's package as a person would in a recipe.
func (w *world) label(c int32) string {
	if w.arch(c) == w.req.Arch {
		return w.at(c).Name
	}
	return w.key(c)
}

func (want *Want) String() string {
	text := want.Name
	if want.Arch != "" {
		text += ":" + want.Arch
	}
	if want.Op != "" {
		text += " (" + want.Op + " " + want.Version + ")"
	}
	if want.Source != "" {
		text += " from " + want.Source
	}
	return text
}

// at puts the place before a sentence about a want.
func (want *Want) at(text string) string {
	if want.Place == "" {
		return text
	}
	return want.Place + ": " + text
}

func (w *world) rootText(r rule) string {
	if r.kind == ruleEssential {
		return w.label(r.subject) + " is essential"
	}
	if r.want.Place == "" {
		return r.want.String() + " is wanted"
	}
	return r.want.Place + " wants " + r.want.String()
}

// full is a candidate's name, version and archive.
func (w *world) full(c int32) string {
	p := w.at(c)
	text := w.label(c) + " " + p.Version
	if p.Archive != "" {
		text += " (" + p.Archive + ")"
	}
	return text
}

// describe writes a dependency as a control file does.
func describe(d deb.Dependency) string {
	var parts []string
	for _, r := range d {
		text := r.Name
		if r.Qualifier != "" {
			text += ":" + r.Qualifier
		}
		if r.Op != "" {
			text += " (" + r.Op + " " + r.Version + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " | ")
}

// lack says what there is instead of something that would satisfy d.
func (w *world) lack(d deb.Dependency) string {
	var parts []string
	for _, r := range d {
		switch list := w.rank(r.Name); {
		case len(list) > 0:
			parts = append(parts, "is available as "+w.available(list))
		case w.forbidden(r.Name):
			parts = append(parts, "has a negative priority")
		case len(w.provided(r.Name)) > 0:
			parts = append(parts, "is only provided by "+strings.Join(w.providerNames(r.Name), ", "))
		default:
			parts = append(parts, "no source has")
		}
	}
	return strings.Join(slices.Compact(parts), "; ")
}

func (w *world) lackHints(d deb.Dependency) []string {
	return []string{fmt.Sprintf("add the source or the component that has %s", describe(d))}
}
