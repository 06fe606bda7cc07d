package cli

import (
	"cmp"
	"slices"

	"kiln/internal/compare"
	"kiln/internal/deb"
	"kiln/internal/deb/changelog"
)

// changelogReport is what kiln changelog tells, in the shape that --json prints.
type changelogReport struct {
	Before  compare.Subject         `json:"before"`
	After   compare.Subject         `json:"after"`
	CVEs    []string                `json:"cves"` // that any entry names
	Sources []sourceChange          `json:"sources"`
	Added   []compare.PackageChange `json:"added"`
	Removed []compare.PackageChange `json:"removed"`
}

// sourceChange is what became of the packages of one source.
type sourceChange struct {
	Source   string                  `json:"source"`
	Before   string                  `json:"before,omitempty"` // version of the source; empty where it is not known
	After    string                  `json:"after,omitempty"`
	Urgency  string                  `json:"urgency,omitempty"` // the highest of the entries
	CVEs     []string                `json:"cves"`
	Packages []compare.PackageChange `json:"packages"`
	Entries  []changelog.Entry       `json:"entries"`
	Note     string                  `json:"note,omitempty"` // why there are no entries, or not all
}

// changelog gathers what changed, by source.
func (s *sides) changelog(before, after *packageSide) (*changelogReport, error) {
	r := &changelogReport{
		Before: subjectOf(before.Side), After: subjectOf(after.Side), CVEs: []string{}, Sources: []sourceChange{},
		Added: []compare.PackageChange{}, Removed: []compare.PackageChange{},
	}
	var names []string
	for _, c := range compare.PackageChanges(before.Packages, after.Packages) {
		switch c.Change {
		case "added":
			r.Added = append(r.Added, c)
		case "removed":
			r.Removed = append(r.Removed, c)
		default:
			r.source(cmp.Or(c.Source, c.Name)).add(c)
			names = append(names, c.Name)
		}
	}
	slices.SortFunc(r.Sources, func(a, b sourceChange) int { return cmp.Compare(a.Source, b.Source) })
	if err := s.fetch(after, names); err != nil {
		return nil, err
	}
	for i := range r.Sources {
		if err := s.fill(&r.Sources[i], before, after); err != nil {
			return nil, err
		}
		r.CVEs = append(r.CVEs, r.Sources[i].CVEs...)
	}
	slices.Sort(r.CVEs)
	r.CVEs = slices.Compact(r.CVEs)
	return r, nil
}

func subjectOf(s *compare.Side) compare.Subject {
	return compare.Subject{Name: s.Name, Kind: s.Kind, Platform: s.Platform, Packages: len(s.Packages)}
}

// source returns the part of a source, which it makes at the first call.
func (r *changelogReport) source(name string) *sourceChange {
	for i := range r.Sources {
		if r.Sources[i].Source == name {
			return &r.Sources[i]
		}
	}
	r.Sources = append(r.Sources, sourceChange{Source: name, CVEs: []string{}, Entries: []changelog.Entry{}})
	return &r.Sources[len(r.Sources)-1]
}

func (c *sourceChange) add(p compare.PackageChange) { c.Packages = append(c.Packages, p) }

// fill finds the entries: the first package of the source that has a changelog has
// that of all.
func (s *sides) fill(c *sourceChange, before, after *packageSide) error {
	for _, p := range c.Packages {
		list, version, why, err := s.entries(after, p.Name, p.Architecture)
		if err != nil {
			return err
		}
		if c.After == "" && version != "" {
			c.After = version
			c.Before = s.sourceVersion(before, p, version == withoutRebuild(p.After))
		}
		if list == nil {
			if c.Note == "" {
				c.Note = why
			}
			continue
		}
		c.Note = ""
		c.choose(list, p)
		break
	}
	c.sum()
	return nil
}

// choose keeps the entries between the two versions.
func (c *sourceChange) choose(list []changelog.Entry, p compare.PackageChange) {
	if p.Change == "downgraded" {
		c.Note = "it went back: what is undone stands in the changelog of the newer version"
		return
	}
	if c.Before == "" {
		c.Note = "the version of the source before is not known: this is the newest entry alone"
		c.Entries = list[:1]
		return
	}
	old, new := c.Before, cmp.Or(c.After, list[0].Version)
	// Rebuilds have entries by the version of the package.
	if withoutRebuild(p.Before) == old {
		old = p.Before
	}
	if withoutRebuild(p.After) == new {
		new = p.After
	}
	entries, cut := changelog.Between(list, old, new)
	c.Entries = append(c.Entries, entries...)
	switch {
	case cut:
		c.Note = "the changelog does not reach back to " + old
	case len(entries) == 0:
		c.Note = "the changelog has no entry between the two"
	}
}

// sum tells of all entries at once.
func (c *sourceChange) sum() {
	order := []string{"low", "medium", "high", "emergency", "critical"} // deb-changelog(5) and Debian Policy 5.6.17
	for _, e := range c.Entries {
		if slices.Index(order, e.Urgency) > slices.Index(order, c.Urgency) {
			c.Urgency = e.Urgency
		}
		c.CVEs = append(c.CVEs, e.CVEs...)
	}
	slices.Sort(c.CVEs)
	c.CVEs = slices.Compact(c.CVEs)
	slices.SortFunc(c.Packages, func(a, b compare.PackageChange) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture), deb.Compare(a.After, b.After))
	})
}
