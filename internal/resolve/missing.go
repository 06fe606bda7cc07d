package resolve

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/deb"
)

// noVersion explains that versions of the package exist, but none that the want
// accepts.
func (w *world) noVersion(want *Want, named []int32) *Problem {
	p := &Problem{Text: want.at(fmt.Sprintf("no candidate for %q is accepted: want %s, available %s", want.Name, want, w.available(named)))}
	var sources []string
	for _, c := range named {
		if deb.Satisfies(w.at(c).Version, want.Op, want.Version) {
			sources = append(sources, w.at(c).Source)
		}
	}
	slices.Sort(sources)
	if sources = slices.Compact(sources); len(sources) > 0 {
		p.Hints = append(p.Hints, fmt.Sprintf("%q comes from %s: ask for it there, or name no source", want.Name, strings.Join(sources, ", ")))
	} else {
		p.Hints = append(p.Hints, fmt.Sprintf("available versions of %q are %s", want.Name, w.available(named)))
	}
	return p
}

// available lists versions with their archives, the newest few.
func (w *world) available(list []int32) string {
	const most = 5
	var texts []string
	for _, c := range list {
		text := w.at(c).Version
		if a := w.at(c).Archive; a != "" {
			text += " (" + a + ")"
		}
		texts = append(texts, text)
	}
	if len(texts) > most {
		texts = append(texts[:most], fmt.Sprintf("%d more", len(list)-most))
	}
	return strings.Join(texts, ", ")
}

// unknown explains that no usable candidate has or provides the name.
func (w *world) unknown(want *Want, arch string) *Problem {
	elsewhere := w.elsewhere(want.Name, arch)
	switch {
	case len(elsewhere) > 0:
		p := &Problem{Text: want.at(fmt.Sprintf("package %q is not available for %s", want.Name, arch))}
		p.Hints = append(p.Hints, "ask for "+strings.Join(elsewhere, " or "))
		return p
	case w.forbidden(want.Name):
		return &Problem{
			Text:  want.at(fmt.Sprintf("every candidate for %q has a negative priority", want.Name)),
			Hints: []string{fmt.Sprintf("raise the priority of the source that has %q", want.Name)},
		}
	case len(w.provided(want.Name)) > 0:
		return &Problem{
			Text:  want.at(fmt.Sprintf("%q is a virtual package, and no provider meets %s", want.Name, want)),
			Hints: []string{"ask for one of its providers by name: " + strings.Join(w.providerNames(want.Name), ", ")},
		}
	}
	p := &Problem{Text: want.at(fmt.Sprintf("no package is called %q", want.Name))}
	if near := nearest(want.Name, w.names()); len(near) > 0 {
		p.Hints = append(p.Hints, fmt.Sprintf("for %q, did you mean %s?", want.Name, strings.Join(near, ", ")))
	} else {
		p.Hints = append(p.Hints, fmt.Sprintf("add the source or the component that has %q", want.Name))
	}
	return p
}

// elsewhere lists the name with the other architectures that have it.
func (w *world) elsewhere(name, arch string) []string {
	var list []string
	for _, c := range w.rank(name) {
		if label := w.key(c); w.arch(c) != arch && !slices.Contains(list, label) {
			list = append(list, label)
		}
	}
	return list
}

func (w *world) forbidden(name string) bool {
	for _, c := range w.named(name) {
		if w.at(c).Priority < 0 {
			return true
		}
	}
	return false
}

func (w *world) providerNames(name string) []string {
	var names []string
	for _, p := range w.provided(name) {
		names = append(names, w.at(p.by).Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func ambiguous(want *Want, names []string) *Problem {
	return &Problem{
		Text:  want.at(fmt.Sprintf("%q is a virtual package with several providers: %s", want.Name, strings.Join(names, ", "))),
		Hints: []string{fmt.Sprintf("instead of %q, ask for one of %s", want.Name, strings.Join(names, ", "))},
	}
}

func (w *world) noDependency(want *Want, name string, c int32) *Problem {
	p := &Problem{Text: want.at(fmt.Sprintf("%q is to go without %q, but does not depend on it", want.Name, name))}
	if names := dependencyNames(w.at(c).Package); len(names) > 0 {
		p.Hints = []string{fmt.Sprintf("dependencies of %q are %s", want.Name, strings.Join(names, ", "))}
	} else {
		p.Hints = []string{fmt.Sprintf("%q has no dependencies: take the exception out", want.Name)}
	}
	return p
}
