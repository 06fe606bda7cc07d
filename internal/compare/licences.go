package compare

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/deb/copyright"
	"kiln/internal/tree"
)

// LicenceChanges is what became of licences, by their SPDX identifiers: those that copyright
// files declare, or else those that were concluded from their words.
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

// licences are those of copyright files by their content, each read once.
type licences map[kiln.Digest][]string

// copyrightFiles are the copyright files of a side, by the folder that they are in: a link there
// to the folder of another package is that one's.
func copyrightFiles(s *Side) map[string]tree.Entry {
	files := map[string]tree.Entry{}
	for _, dir := range s.Tree.Children(docFolder) {
		if e, ok := s.Tree.Lookup(tree.Join(dir, "copyright")); ok && e.Type == tree.File {
			files[path.Base(dir)] = e
		}
	}
	return files
}

// of are the licences that a copyright file declares, or else those that are concluded
// from its words; nil where neither can be told.
func (l licences) of(s *Side, e tree.Entry) ([]string, error) {
	if names, ok := l[e.Content]; ok {
		return names, nil
	}
	text, err := s.text(e.Path)
	if err != nil {
		return nil, err
	}
	found := copyright.Read([]byte(text))
	var names []string
	if x := cmp.Or(found.Declared, found.Concluded); x != "" {
		names = copyright.Identifiers(x)
	}
	l[e.Content] = names
	return names, nil
}

// licenceChanges compares the licences of two sides. Where all copyright files are the
// same, none is read.
func licenceChanges(a, b *Side) (LicenceChanges, error) {
	c := LicenceChanges{Added: []string{}, Removed: []string{}, Packages: []LicenceChange{}}
	before, after := copyrightFiles(a), copyrightFiles(b)
	if maps.EqualFunc(before, after, func(x, y tree.Entry) bool { return x.Content == y.Content }) {
		return c, nil
	}
	known := licences{}
	var sides [2]map[string][]string
	for i, side := range []struct {
		*Side
		files map[string]tree.Entry
	}{{a, before}, {b, after}} {
		sides[i] = map[string][]string{}
		for _, name := range slices.Sorted(maps.Keys(side.files)) {
			names, err := known.of(side.Side, side.files[name])
			if err != nil {
				return c, err
			}
			if names != nil {
				sides[i][name] = names
			}
		}
	}
	return changesOf(sides[0], sides[1]), nil
}

func changesOf(a, b map[string][]string) LicenceChanges {
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
