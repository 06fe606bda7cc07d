// Package compare tells two images apart: what became of packages, files, modes and
// owners, accounts, units, configuration, licences and sizes from one to the other,
// and what of that is a risk. A side may be less than an image: of a lock only the
// packages are known. It does no I/O but through tree.Contents, and prints nothing.
package compare

import (
	"cmp"
	"fmt"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// Side is one of the two things to compare.
type Side struct {
	Name     string // as it was asked for
	Kind     string // "recipe", "lock" or "image"
	Platform string
	Packages []Package     // sorted by name, then architecture
	Tree     *tree.Tree    // nil of a lock
	Contents tree.Contents // of Tree: of all that Needs
	Config   *oci.Config   // nil where nothing is known of it
	Scripts  []Script      // what maintainer scripts did, of a recipe, and of an image that has a record of its build; else nil
	Unowned  bool          // owners of Tree mean nothing: an ordinary user unpacked it
}

// Package is a package of a side.
type Package struct {
	Name, Version, Architecture string
	Source, SourceVersion       string // SourceVersion is empty where it is not known
	Section, Priority           string // empty where they are not known
	Essential                   bool
	Download                    int64 // size of the package file in bytes; 0 where it is not known
	Installed                   int64 // what dpkg takes it for, in bytes; 0 where it is not known
	Content                     int64 // what its files take in the image, in bytes; -1 where it is not known
}

// key names a package among those of a side.
func (p *Package) key() string { return p.Name + ":" + p.Architecture }

// Script is what the runs of one maintainer script changed.
type Script struct {
	Name    string   // "libc6.postinst"
	Effects []string // "made /etc/x", "changed /etc/y", "removed /etc/z"; sorted
}

// Report is what differs, in the shape that --json prints.
type Report struct {
	Before   Subject         `json:"before"`
	After    Subject         `json:"after"`
	Equal    bool            `json:"equal"`
	Skipped  []string        `json:"not_compared,omitempty"` // parts that were not, with the reason
	Risks    []Risk          `json:"risks"`                  // the gravest first
	Packages []PackageChange `json:"packages"`
	Scripts  []ScriptChange  `json:"scripts"`
	Accounts []AccountChange `json:"accounts"`
	Units    []UnitChange    `json:"units"`
	Config   []FieldChange   `json:"config"`
	Licences LicenceChanges  `json:"licences"`
	Modes    []FileChange    `json:"modes"` // entries on both sides of which mode, owner, or attributes differ
	Files    []FileChange    `json:"files"` // entries that came, went or changed otherwise
	Sizes    Sizes           `json:"sizes"`
}

// Subject names a side.
type Subject struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`
	Platform string      `json:"platform,omitempty"`
	Packages int         `json:"packages"`
	Tree     kiln.Digest `json:"tree,omitempty"`
}

// FieldChange is a value that differs; an empty side has none.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String tells it in one line: "+ field after", "- field before" or "~ field before -> after".
func (c FieldChange) String() string {
	switch {
	case c.Before == "":
		return "+ " + c.Field + " " + c.After
	case c.After == "":
		return "- " + c.Field + " " + c.Before
	}
	return "~ " + c.Field + " " + c.Before + " -> " + c.After
}

// Sides compares from a to b.
func Sides(a, b *Side) (*Report, error) {
	r := &Report{
		Before: a.subject(), After: b.subject(), Packages: []PackageChange{}, Scripts: []ScriptChange{}, Accounts: []AccountChange{},
		Units: []UnitChange{}, Config: []FieldChange{}, Modes: []FileChange{}, Files: []FileChange{}, Risks: []Risk{},
	}
	r.comparePackages(a.Packages, b.Packages)
	if a.Tree != nil && b.Tree != nil {
		if err := r.compareTrees(a, b); err != nil {
			return nil, err
		}
	} else {
		r.skip("everything but packages: of a lock nothing else is known")
	}
	r.compareSizes(a, b)
	if a.Config != nil && b.Config != nil {
		r.Config = configChanges(a.Config, b.Config)
	} else if a.Tree != nil && b.Tree != nil {
		r.skip("configuration: a root file system alone has none")
	}
	r.Equal = len(r.Packages)+len(r.Config)+len(r.Files)+len(r.Modes) == 0
	r.judge(a, b)
	return r, nil
}

func (s *Side) subject() Subject {
	u := Subject{Name: s.Name, Kind: s.Kind, Platform: s.Platform, Packages: len(s.Packages)}
	if s.Tree != nil {
		u.Tree = s.Tree.Digest()
	}
	return u
}

func (r *Report) skip(format string, args ...any) {
	r.Skipped = append(r.Skipped, fmt.Sprintf(format, args...))
}

// compareTrees compares all that is read out of trees.
func (r *Report) compareTrees(a, b *Side) error {
	before, err := newContent(a)
	if err != nil {
		return fmt.Errorf("cannot look into %s: %w", a.Name, err)
	}
	after, err := newContent(b)
	if err != nil {
		return fmt.Errorf("cannot look into %s: %w", b.Name, err)
	}
	if a.Unowned != b.Unowned {
		r.skip("owners: an ordinary user unpacked one of the two")
	}
	r.compareFiles(a, b, before, after)
	if strange := cmp.Or(before.strange, after.strange); strange != nil {
		r.skip("users and groups: %v", strange)
	} else {
		r.Accounts = accountChanges(before, after)
	}
	r.Units = unitChanges(before.units, after.units)
	if r.Licences, err = licenceChanges(a, b); err != nil {
		return fmt.Errorf("cannot compare the licences of %s and %s: %w", a.Name, b.Name, err)
	}
	if a.Scripts != nil && b.Scripts != nil {
		r.Scripts = scriptChanges(a.Scripts, b.Scripts)
	} else {
		for _, s := range []*Side{a, b} {
			if s.Scripts == nil {
				r.skip("effects of maintainer scripts: no record of a build tells them of %s", s.Name)
			}
		}
	}
	return nil
}
