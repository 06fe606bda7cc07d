package lock

import (
	"cmp"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/deb"
)

// Kind says what became of a pocket or a package.
type Kind string

// The kinds.
const (
	Added      Kind = "added"
	Removed    Kind = "removed"
	Upgraded   Kind = "upgraded"
	Downgraded Kind = "downgraded"
	Replaced   Kind = "replaced" // a package of the same version with other content
	Moved      Kind = "moved"    // a package, the very same, to another pocket; a pocket, to another Release
)

// Change is one difference of two locks.
type Change struct {
	Kind     Kind   `json:"kind"`
	Platform string `json:"platform,omitempty"` // of a package; empty of a pocket
	Stage    string `json:"stage,omitempty"`    // of a package that is of a stage, and not of the image
	Subject  string `json:"subject"`            // "libc6:amd64", or "debian/trixie-security" of a pocket
	Old      string `json:"old,omitempty"`      // version, archive, digest or date, as Kind wants
	New      string `json:"new,omitempty"`
}

// String returns one line for people.
func (c Change) String() string {
	s := string(c.Kind) + " " + c.Subject
	switch {
	case c.Old != "" && c.New != "":
		s += " " + c.Old + " -> " + c.New
	case c.Old+c.New != "":
		s += " " + c.Old + c.New
	}
	switch {
	case c.Stage != "":
		s += " (" + c.Platform + ", stage " + c.Stage + ")"
	case c.Platform != "":
		s += " (" + c.Platform + ")"
	}
	return s
}

// Diff lists what changed from old to new, either of which may be nil: pockets
// first, then packages by platform and name.
func Diff(old, new *Lock) []Change {
	changes := diff(old.pockets(), new.pockets(), pocketChange)
	a, b := old.platforms(), new.platforms()
	names := sortedPlatforms(a)
	for _, k := range sortedPlatforms(b) {
		if a[k] == nil {
			names = append(names, k)
		}
	}
	slices.SortFunc(names, func(x, y kiln.Platform) int { return cmp.Compare(x.String(), y.String()) })
	for _, k := range names {
		for _, c := range diff(a[k].packages(), b[k].packages(), packageChange) {
			c.Platform = k.String()
			changes = append(changes, c)
		}
		for _, name := range stageNames(a[k], b[k]) {
			for _, c := range diff(a[k].Stage(name).packages(), b[k].Stage(name).packages(), packageChange) {
				c.Platform, c.Stage = k.String(), name
				changes = append(changes, c)
			}
		}
	}
	return changes
}

// stageNames lists the stages of either, sorted.
func stageNames(a, b *Platform) []string {
	var names []string
	for _, p := range []*Platform{a, b} {
		if p == nil {
			continue
		}
		for _, s := range p.Stages {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// diff compares two sets by name; change returns a Change without a Kind where
// nothing changed, and is given nil for what is not there.
func diff[T any](old, new map[string]*T, change func(old, new *T) Change) []Change {
	var changes []Change
	names := []string{}
	for name := range old {
		names = append(names, name)
	}
	for name := range new {
		if old[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if c := change(old[name], new[name]); c.Kind != "" {
			c.Subject = name
			changes = append(changes, c)
		}
	}
	return changes
}

func pocketChange(old, new *Pocket) Change {
	const day = "2006-01-02 15:04 MST"
	switch {
	case old == nil:
		return Change{Kind: Added, New: new.Date.UTC().Format(day)}
	case new == nil:
		return Change{Kind: Removed, Old: old.Date.UTC().Format(day)}
	case old.Release != new.Release:
		return Change{Kind: Moved, Old: old.Date.UTC().Format(day), New: new.Date.UTC().Format(day)}
	}
	return Change{}
}

func packageChange(old, new *Package) Change {
	switch {
	case old == nil:
		return Change{Kind: Added, New: new.Version}
	case new == nil:
		return Change{Kind: Removed, Old: old.Version}
	case old.Version != new.Version && deb.Compare(old.Version, new.Version) > 0:
		return Change{Kind: Downgraded, Old: old.Version, New: new.Version}
	case old.Version != new.Version:
		return Change{Kind: Upgraded, Old: old.Version, New: new.Version}
	case old.SHA256 != new.SHA256:
		return Change{Kind: Replaced, Old: fmt.Sprintf("sha256:%.12s", old.SHA256), New: fmt.Sprintf("sha256:%.12s", new.SHA256)}
	case old.Archive != new.Archive:
		return Change{Kind: Moved, Old: old.Archive, New: new.Archive}
	}
	return Change{}
}

// pockets are all pockets by archive and suite.
func (l *Lock) pockets() map[string]*Pocket {
	m := map[string]*Pocket{}
	if l == nil {
		return m
	}
	for _, a := range l.Archives {
		for i := range a.Pockets {
			m[a.Name+"/"+a.Pockets[i].Suite] = &a.Pockets[i]
		}
	}
	return m
}

func (l *Lock) platforms() map[kiln.Platform]*Platform {
	if l == nil {
		return nil
	}
	return l.Platforms
}

// packages are all packages by name and architecture.
func (p *Platform) packages() map[string]*Package {
	m := map[string]*Package{}
	if p == nil {
		return m
	}
	for i := range p.Packages {
		m[p.Packages[i].Name+":"+p.Packages[i].Architecture] = &p.Packages[i]
	}
	return m
}
