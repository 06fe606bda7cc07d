package compare

import (
	"cmp"
	"maps"
	"slices"

	"kiln/internal/deb"
)

// PackageChange is what became of a package.
type PackageChange struct {
	Name         string `json:"name"`
	Architecture string `json:"architecture"`
	Source       string `json:"source,omitempty"`
	Change       string `json:"change"` // "added", "removed", "upgraded" or "downgraded"
	Before       string `json:"before,omitempty"`
	After        string `json:"after,omitempty"`
}

// String tells it in one line.
func (c PackageChange) String() string {
	switch c.Change {
	case "added":
		return "+ " + c.Name + " " + c.After + " " + c.Architecture
	case "removed":
		return "- " + c.Name + " " + c.Before + " " + c.Architecture
	}
	return "~ " + c.Name + " " + c.Before + " -> " + c.After + " " + c.Architecture + map[bool]string{true: " (downgraded)"}[c.Change == "downgraded"]
}

func keyed(packages []Package) map[string]*Package {
	m := map[string]*Package{}
	for i := range packages {
		m[packages[i].key()] = &packages[i]
	}
	return m
}

func (r *Report) comparePackages(a, b []Package) {
	r.Packages = append(r.Packages, PackageChanges(a, b)...)
}

// PackageChanges lists what became of packages from a to b, by name. A package
// whose architecture changed is one that went and one that came.
func PackageChanges(a, b []Package) []PackageChange {
	before, after := keyed(a), keyed(b)
	var list []PackageChange
	for _, key := range bothKeys(before, after) {
		old, new := before[key], after[key]
		p := cmp.Or(new, old)
		c := PackageChange{Name: p.Name, Architecture: p.Architecture, Source: p.Source}
		switch {
		case old == nil:
			c.Change, c.After = "added", new.Version
		case new == nil:
			c.Change, c.Before = "removed", old.Version
		case old.Version == new.Version:
			continue
		case deb.Compare(old.Version, new.Version) > 0:
			c.Change, c.Before, c.After = "downgraded", old.Version, new.Version
		default:
			c.Change, c.Before, c.After = "upgraded", old.Version, new.Version
		}
		list = append(list, c)
	}
	return list
}

// bothKeys are the keys of two maps, sorted, each once.
func bothKeys[T any](a, b map[string]T) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Sizes is what the sides take, by package.
type Sizes struct {
	Measure  string       `json:"measure"` // "content": of a package's files in the image; "installed": as dpkg says; "download": of the .debs
	Before   int64        `json:"before"`  // bytes: of all files of the images; of locks, of all packages
	After    int64        `json:"after"`
	Packages []SizeChange `json:"packages"` // those that differ, the largest difference first
}

// SizeChange is the size of a package, in bytes; 0 on a side that does not have it.
type SizeChange struct {
	Name         string `json:"name"`
	Architecture string `json:"architecture"`
	Before       int64  `json:"before"`
	After        int64  `json:"after"`
}

// Delta is what the package grew by, in bytes.
func (c SizeChange) Delta() int64 { return c.After - c.Before }

// compareSizes uses the best measure that both sides know of all their packages.
func (r *Report) compareSizes(a, b *Side) {
	measures := []struct {
		name string
		of   func(*Package) (int64, bool)
	}{
		{"content", func(p *Package) (int64, bool) { return p.Content, p.Content >= 0 }},
		{"installed", func(p *Package) (int64, bool) { return p.Installed, p.Installed > 0 }},
		{"download", func(p *Package) (int64, bool) { return p.Download, p.Download > 0 }},
	}
	r.Sizes.Packages = []SizeChange{}
	for _, m := range measures {
		known := func(list []Package) bool {
			return !slices.ContainsFunc(list, func(p Package) bool { _, ok := m.of(&p); return !ok })
		}
		if !known(a.Packages) || !known(b.Packages) {
			continue
		}
		r.Sizes.Measure = m.name
		before, after := keyed(a.Packages), keyed(b.Packages)
		for _, key := range bothKeys(before, after) {
			c := SizeChange{}
			if p := before[key]; p != nil {
				c.Name, c.Architecture = p.Name, p.Architecture
				c.Before, _ = m.of(p)
			}
			if p := after[key]; p != nil {
				c.Name, c.Architecture = p.Name, p.Architecture
				c.After, _ = m.of(p)
			}
			r.Sizes.Before, r.Sizes.After = r.Sizes.Before+c.Before, r.Sizes.After+c.After
			if c.Delta() != 0 {
				r.Sizes.Packages = append(r.Sizes.Packages, c)
			}
		}
		break
	}
	slices.SortStableFunc(r.Sizes.Packages, func(x, y SizeChange) int { return cmp.Compare(abs(y.Delta()), abs(x.Delta())) })
	if a.Tree != nil && b.Tree != nil {
		r.Sizes.Before, r.Sizes.After = treeSize(a.Tree), treeSize(b.Tree)
	}
}

func abs(n int64) int64 { return max(n, -n) }
