package rootfs

import (
	"crypto/md5"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// place is one entry and where in the tree it goes.
type place struct {
	entry tree.Entry // its path follows the links that other packages ship
	// of a package's entry
	unit     *unit
	shipped  string         // its path in the package
	md5      [md5.Size]byte // of a file
	layer    *layer
	dropped  string // what left it out: the name of a rule or the place of a glob; empty where it is in
	excluded bool   // a rule left it out: scripts do not see it either
	scripted bool   // a maintainer script changed or removed it
	gone     bool   // it is not dropped, but another entry stands in its place
	shared   bool   // that other entry is the same
	covered  bool   // it is in its layer, but in the image a later layer's package replaces it
	passing  bool   // of a directory: it is not what was asked for, but part of it
	// of a file of the recipe
	place string // in the recipe, for messages
	owner string // by name, to be found out when all users are there
}

// in reports whether the entry is in the image.
func (p *place) in() bool { return p.dropped == "" && !p.gone && !p.scripted }

// maker names who makes the entry.
func (p *place) maker() string {
	switch {
	case p.unit != nil:
		return fmt.Sprintf("the package %q", p.unit)
	case p.entry.Origin.Recipe != "":
		return p.entry.Origin.Recipe
	}
	return fmt.Sprintf("the rule %q", p.entry.Origin.Rule)
}

// place finds for every entry of every package where it goes, what is dropped,
// and whether two want one path; then come the rules' and the recipe's own.
func (a *assembly) place() error {
	a.skeleton = newSkeleton(a.units, a.seeds(), a.shippedCount())
	for _, l := range a.layers {
		for _, u := range l.units {
			if err := a.placeUnit(l, u); err != nil {
				return err
			}
		}
	}
	for _, l := range a.layers {
		for _, u := range l.units {
			a.decideDrops(l, u)
		}
	}
	if err := a.claimPackages(); err != nil {
		return a.withUnused(err)
	}
	for _, l := range a.layers {
		if err := a.makeOwn(l); err != nil {
			return a.withUnused(err)
		}
	}
	a.skeleton = nil // it is as large as the tree
	if err := a.checkHarden(); err != nil {
		return err
	}
	return a.checkPaths()
}

// seeds lists the top-level links of the merged /usr that the image will have.
func (a *assembly) seeds() []string {
	seeded := map[string]bool{}
	if a.isOn(mergedUsr) {
		for _, name := range a.mergedLinks() {
			seeded[name] = true
		}
	}
	for _, u := range a.units {
		for i := range u.ix.Entries {
			if e := &u.ix.Entries[i].Entry; isMergedLink(e) {
				seeded[e.Path] = true
			}
		}
	}
	var names []string
	for _, name := range mergedNames() {
		if seeded[name] {
			names = append(names, name)
		}
	}
	return names
}

// origin is that of what the package ships.
func (u *unit) origin() tree.Origin {
	o := tree.Origin{Package: u.name()}
	if u.want != nil {
		o.Recipe, o.Why = u.want.layer.origin("packages", u.want.index), u.want.Why
	}
	return o
}

// placeUnit finds where the package's entries go. The index is left without them:
// all that counts is in the places.
func (a *assembly) placeUnit(l *layer, u *unit) error {
	origin := u.origin()
	places := make([]place, len(u.ix.Entries))
	u.places = make([]*place, 0, len(places))
	for i := range u.ix.Entries {
		p := &places[i]
		*p = place{entry: u.ix.Entries[i].Entry, unit: u, shipped: u.ix.Entries[i].Path, md5: u.ix.Entries[i].MD5, layer: l}
		p.entry.Origin = origin
		if err := a.skeleton.place(p); err != nil {
			return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot unpack the package %q: the entry %q: %v", u.ID, tree.Absolute(p.shipped), err), Err: err}
		}
		if p.entry.Type == tree.Dir && !p.gone {
			l.noteDir(p)
		}
		u.places = append(u.places, p)
	}
	u.ix.Entries = nil
	return nil
}

// decideDrops finds which of the package's entries are left out.
func (a *assembly) decideDrops(l *layer, u *unit) {
	for _, p := range u.places {
		p.dropped, p.excluded = a.decide(p)
	}
}

// decide asks the recipe's patterns, then the rules, and returns what leaves the
// entry out, and whether a rule does, perhaps beside a pattern. What a keep matches stays; where a
// package has keeps of its own, nothing else of it does. Of what a script made,
// the patterns of its package and of both their layers count.
func (a *assembly) decide(p *place) (dropped string, excluded bool) {
	var w want
	layers := []*layer{p.layer}
	if p.unit != nil {
		if p.unit.want != nil {
			w = *p.unit.want
		}
		if p.unit.layer != p.layer {
			layers = append(layers, p.unit.layer)
		}
	}
	path := tree.Absolute(p.entry.Path)
	kept, drop := firstMatch(w.keep, path) != nil, firstMatch(w.drop, path)
	for _, l := range layers {
		if firstMatch(l.keep, path) != nil {
			kept = true
		}
		if g := firstMatch(l.drop, path); drop == nil {
			drop = g
		}
	}
	if kept {
		return "", false
	}
	rule := a.ruleThatDrops(&p.entry, path)
	switch {
	case len(w.keep) > 0:
		return w.keep[0].origin, rule != ""
	case drop != nil:
		return drop.origin, rule != ""
	case rule == "":
		return a.hardenDrops(&p.entry), false
	}
	return rule, true
}

func (a *assembly) ruleThatDrops(e *tree.Entry, path string) string {
	top, _, _ := strings.Cut(e.Path, "/")
	if !slices.Contains([]string{"usr", "etc", "var", "run"}, top) { // all that the rules drop is there
		return ""
	}
	i := slices.IndexFunc(a.rules, func(r Rule) bool { return r.drops(e, path) })
	if i < 0 {
		return ""
	}
	return a.rules[i].Name
}
