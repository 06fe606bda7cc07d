package compare

import (
	"path"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// LicenceChanges is what became of licences, by the names that machine-readable
// copyright files give them (Debian's copyright format 1.0).
type LicenceChanges struct {
	Added    []string        `json:"added"`   // names that were nowhere before
	Removed  []string        `json:"removed"` // names that are nowhere any more
	Packages []LicenceChange `json:"packages"`
}

// LicenceChange is what became of one package's licences.
type LicenceChange struct {
	Package string   `json:"package"`
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// String tells it in one line.
func (c LicenceChange) String() string {
	var parts []string
	for _, n := range c.Added {
		parts = append(parts, "+ "+n)
	}
	for _, n := range c.Removed {
		parts = append(parts, "- "+n)
	}
	return "~ " + c.Package + ": " + strings.Join(parts, ", ")
}

const docFolder = "usr/share/doc"

func (c *content) readLicences() error {
	for _, dir := range c.side.Tree.Children(docFolder) {
		e, ok := c.side.Tree.Lookup(tree.Join(dir, "copyright"))
		if !ok || e.Type != tree.File {
			continue // a link to the folder of another package: it is that one's
		}
		text, err := c.side.text(e.Path)
		if err != nil {
			return err
		}
		if names := licenceNames(text); names != nil {
			c.licences[path.Base(dir)] = names
		}
	}
	return nil
}

// licenceNames are the first lines of the fields License; nil of a copyright file
// in free form.
func licenceNames(text string) []string {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\n\ufeff"), "\n")
	key, value, _ := strings.Cut(first, ":")
	if !strings.EqualFold(key, "Format") || !strings.Contains(value, "copyright-format") {
		return nil
	}
	names := []string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		value = strings.Join(strings.Fields(value), " ")
		if ok && strings.EqualFold(key, "License") && value != "" {
			names = append(names, value)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func licenceChanges(a, b map[string][]string) LicenceChanges {
	c := LicenceChanges{Added: missingFrom(every(a), every(b)), Removed: missingFrom(every(b), every(a)), Packages: []LicenceChange{}}
	for _, name := range bothKeys(a, b) {
		p := LicenceChange{Package: name, Added: missingFrom(a[name], b[name]), Removed: missingFrom(b[name], a[name])}
		if len(p.Added)+len(p.Removed) > 0 {
			c.Packages = append(c.Packages, p)
		}
	}
	return c
}

// every is all names of all packages, sorted, each once.
func every(m map[string][]string) []string {
	var all []string
	for _, name := range bothKeys(m, nil) {
		all = append(all, m[name]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// missingFrom are the elements of list that from lacks.
func missingFrom(from, list []string) []string {
	left := []string{}
	for _, s := range list {
		if !slices.Contains(from, s) {
			left = append(left, s)
		}
	}
	return left
}
