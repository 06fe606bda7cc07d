package bake

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// Story is what led to a tree, beside the origins of its entries. It travels in the
// record of the build, so that an image explains itself.
type Story struct {
	Packages []Package      // by name
	Runs     []Run          // maintainer scripts in the order in which they ran, then those that the recipe skips
	Accounts []Account      // users, then groups, as /etc/passwd and /etc/group list them
	Dropped  []Dropped      // by path
	Folders  []SharedFolder // by path
}

// SharedFolder is a directory that several layers hold, of which the lowest has another
// origin than the image: what is in the higher ones has led there, too.
type SharedFolder struct {
	Path   string
	Origin tree.Origin // in the lowest layer
}

// foldersOf finds the shared folders of layers whose merged tree is t.
func foldersOf(layers []tree.Layer, t *tree.Tree) []SharedFolder {
	lowest := map[string]tree.Origin{}
	for _, l := range layers {
		for _, gone := range l.Removed {
			maps.DeleteFunc(lowest, func(p string, _ tree.Origin) bool { return p == gone || strings.HasPrefix(p, gone+"/") })
		}
		for _, m := range l.Members {
			for i := range m.Entries {
				e := &m.Entries[i]
				if e.Type != tree.Dir {
					continue
				}
				if _, known := lowest[e.Path]; !known {
					lowest[e.Path] = e.Origin
				}
			}
		}
	}
	var all []SharedFolder
	for e := range t.All() {
		if e.Type != tree.Dir {
			continue
		}
		if o, ok := lowest[e.Path]; ok && o != e.Origin {
			all = append(all, SharedFolder{e.Path, o})
		}
	}
	return all
}

// storyFormat is the version of the form of a story.
const storyFormat = 1

// storyText is a story in its written form: JSON, with each origin, and each reason
// for which something was left out, once.
type storyText struct {
	Format   int           `json:"format"`
	Origins  []tree.Origin `json:"origins,omitempty"`
	Reasons  [][2]string   `json:"reasons,omitempty"` // what left an entry out, and why
	Packages []packageText `json:"packages,omitempty"`
	Runs     []runText     `json:"runs,omitempty"`
	Accounts []Account     `json:"accounts,omitempty"`
	Dropped  []dropText    `json:"dropped,omitempty"`
	Folders  []placeText   `json:"folders,omitempty"`
	Units    []Unit        `json:"units,omitempty"`
}

type packageText struct {
	Of           string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Package
}

type runText struct {
	Package int          `json:"package"` // its place in Packages
	Script  string       `json:"script"`
	Args    []string     `json:"args,omitempty"`
	Skipped string       `json:"skipped,omitempty"`
	Why     string       `json:"why,omitempty"`
	Changes []changeText `json:"changes,omitempty"`
	Notes   []Note       `json:"notes,omitempty"`
}

// changeText is a change of a path: what it was is told of one that was removed.
type changeText struct {
	Path   string     `json:"path"`
	Fields []string   `json:"fields,omitempty"` // none: it was made, or removed
	Was    *placeText `json:"was,omitempty"`
}

type placeText struct {
	Path   string    `json:"path,omitempty"`
	Type   tree.Type `json:"type,omitempty"`
	Origin int       `json:"origin"` // its place in Origins
}

type dropText struct {
	placeText
	Package int `json:"package"` // its place in Packages; -1: of none
	Reason  int `json:"reason"`  // its place in Reasons
}

// numbers gives each value that it meets a number.
type numbers[T comparable] struct {
	list []T
	at   map[T]int
}

func (n *numbers[T]) of(v T) int {
	i, ok := n.at[v]
	if !ok {
		if n.at == nil {
			n.at = map[T]int{}
		}
		i = len(n.list)
		n.at[v], n.list = i, append(n.list, v)
	}
	return i
}

// text returns the story's written form, which follows from it alone.
func (s *Story) text(units []Unit) ([]byte, error) {
	var origins numbers[tree.Origin]
	var reasons numbers[[2]string]
	doc := storyText{Format: storyFormat, Accounts: s.Accounts, Units: units}
	places := map[kiln.PackageID]int{{}: -1}
	for i := range s.Packages {
		p := s.Packages[i]
		places[p.ID] = i
		doc.Packages = append(doc.Packages, packageText{p.ID.Name, p.ID.Version, p.ID.Architecture, p})
	}
	for _, r := range s.Runs {
		run := runText{Package: places[r.Package], Script: r.Script, Args: r.Args, Skipped: r.Skipped, Why: r.Why, Notes: r.Notes}
		for _, c := range r.Changes {
			change := changeText{Path: c.Path, Fields: c.Fields}
			if c.After == nil {
				change.Was = &placeText{Type: c.Before.Type, Origin: origins.of(c.Before.Origin)}
			}
			run.Changes = append(run.Changes, change)
		}
		doc.Runs = append(doc.Runs, run)
	}
	for _, d := range s.Dropped {
		doc.Dropped = append(doc.Dropped, dropText{placeText{d.Path, d.Type, origins.of(d.Origin)}, places[d.Package], reasons.of([2]string{d.By, d.Why})})
	}
	for _, f := range s.Folders {
		doc.Folders = append(doc.Folders, placeText{Path: f.Path, Origin: origins.of(f.Origin)})
	}
	doc.Origins, doc.Reasons = origins.list, reasons.list
	return json.Marshal(doc)
}

// ReadStory reads what a record of a build has of a story, and the units with it.
func ReadStory(text []byte) (s *Story, units []Unit, err error) {
	var doc storyText
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, nil, fmt.Errorf("it is no JSON of its form: %w", err)
	}
	if doc.Format != storyFormat {
		return nil, nil, fmt.Errorf("it has format %d, and this kiln knows %d", doc.Format, storyFormat)
	}
	if err := doc.check(); err != nil {
		return nil, nil, err
	}
	s = &Story{Accounts: doc.Accounts}
	for _, p := range doc.Packages {
		p.ID = kiln.PackageID{Name: p.Of, Version: p.Version, Architecture: p.Architecture}
		s.Packages = append(s.Packages, p.Package)
	}
	for _, r := range doc.Runs {
		run := Run{Package: s.Packages[r.Package].ID, Script: r.Script, Args: r.Args, Skipped: r.Skipped, Why: r.Why, Notes: r.Notes}
		for _, c := range r.Changes {
			run.Changes = append(run.Changes, doc.change(c))
		}
		s.Runs = append(s.Runs, run)
	}
	for _, d := range doc.Dropped {
		out := Dropped{Path: d.Path, Type: d.Type, Origin: doc.Origins[d.Origin], By: doc.Reasons[d.Reason][0], Why: doc.Reasons[d.Reason][1]}
		if d.Package >= 0 {
			out.Package = s.Packages[d.Package].ID
		}
		s.Dropped = append(s.Dropped, out)
	}
	for _, f := range doc.Folders {
		s.Folders = append(s.Folders, SharedFolder{f.Path, doc.Origins[f.Origin]})
	}
	return s, doc.Units, nil
}

// change is a change as far as the text tells of it.
func (doc *storyText) change(c changeText) tree.Change {
	out := tree.Change{Path: c.Path, Fields: c.Fields}
	if c.Was != nil {
		out.Before = &tree.Entry{Path: c.Path, Type: c.Was.Type, Origin: doc.Origins[c.Was.Origin]}
		return out
	}
	out.After = &tree.Entry{Path: c.Path}
	if c.Fields != nil {
		out.Before = &tree.Entry{Path: c.Path}
	}
	return out
}

// check refuses numbers that lead nowhere.
func (doc *storyText) check() error {
	in := func(i, n int) bool { return i >= 0 && i < n }
	ok := true
	for _, r := range doc.Runs {
		ok = ok && in(r.Package, len(doc.Packages))
		for _, c := range r.Changes {
			ok = ok && (c.Was == nil || in(c.Was.Origin, len(doc.Origins)))
		}
	}
	for _, d := range doc.Dropped {
		ok = ok && in(d.Origin, len(doc.Origins)) && in(d.Reason, len(doc.Reasons)) && in(d.Package+1, len(doc.Packages)+1)
	}
	for _, f := range doc.Folders {
		ok = ok && in(f.Origin, len(doc.Origins))
	}
	if !ok {
		return fmt.Errorf("one of its numbers leads nowhere")
	}
	return nil
}
