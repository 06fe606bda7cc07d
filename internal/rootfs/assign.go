package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// plan gives each package to a layer, in unpack order.
func (a *assembly) plan() error {
	taken := map[*unit]bool{}
	for i := range a.in.Recipe.Layers {
		l := &layer{index: i, recipe: &a.in.Recipe.Layers[i], dirs: map[string]*shippedDir{}}
		a.layers = append(a.layers, l)
		if err := l.readGlobs(); err != nil {
			return err
		}
		roots, err := a.wanted(l)
		if err != nil {
			return err
		}
		if i == 0 {
			roots = append(roots, a.essential()...)
		}
		for _, u := range a.closure(roots) {
			if !taken[u] {
				taken[u] = true
				l.units, u.layer = append(l.units, u), l
			}
		}
		l.units = unpackOrder(l.units)
		l.setEpoch()
	}
	for _, u := range a.units {
		if !taken[u] {
			return &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot give the package %q to a layer: the lock names it, but nothing in the recipe requires it", u.ID),
				Hints: []string{"make the lock anew: kiln lock"},
			}
		}
	}
	return nil
}

// wanted finds the packages that the recipe lists in the layer, and ties the two
// together.
func (a *assembly) wanted(l *layer) ([]*unit, error) {
	var roots []*unit
	for i := range l.recipe.Packages {
		w := &want{layer: l, index: i, Package: &l.recipe.Packages[i]}
		u := a.find(w.Name)
		if u == nil {
			return nil, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot find the package %q of %s: the lock does not have it for %s", w.Name, w.place(), a.in.Platform),
				Hints: []string{"make the lock anew: kiln lock"},
			}
		}
		if u.want != nil {
			return nil, userError("the package %q stands in the recipe twice: %s and %s", w.Name, u.want.place(), w.place())
		}
		if err := w.readGlobs(); err != nil {
			return nil, err
		}
		u.want = w
		roots = append(roots, u)
	}
	return roots, nil
}

// find returns the package that a want, "name" or "name:arch", came to: the one
// of that name, that of the platform's own architecture first; else the one that
// was locked for the recipe and provides the name.
func (a *assembly) find(wanted string) *unit {
	name, arch, qualified := strings.Cut(wanted, ":")
	fits := func(u *unit) bool { return !qualified || u.ID.Architecture == arch || arch == "any" }
	var found *unit
	for _, u := range a.byName[name] {
		if fits(u) && (found == nil || u.ID.Architecture == a.arch) {
			found = u
		}
	}
	if found != nil {
		return found
	}
	for _, u := range a.units {
		if fits(u) && slices.Contains(u.RequiredBy, "recipe") && u.provides(name) {
			return u
		}
	}
	return nil
}

func (u *unit) provides(name string) bool {
	for _, d := range u.pkg.Provides {
		if d[0].Name == name {
			return true
		}
	}
	return false
}

// essential returns the packages that are there because they are marked so.
func (a *assembly) essential() []*unit {
	var all []*unit
	for _, u := range a.units {
		if slices.Contains(u.RequiredBy, "essential") {
			all = append(all, u)
		}
	}
	return all
}

// name is how the recipe and the lock name the package: with its architecture
// only where that is a foreign one.
func (u *unit) name() string {
	if u.foreign {
		return u.ID.Name + ":" + u.ID.Architecture
	}
	return u.ID.Name
}

// closure returns roots and all that they require, by the lock's edges.
func (a *assembly) closure(roots []*unit) []*unit {
	requires := map[string][]*unit{} // by the requirer's name in the lock
	for _, u := range a.units {
		for _, name := range u.RequiredBy {
			requires[name] = append(requires[name], u)
		}
	}
	seen := map[*unit]bool{}
	var all []*unit
	for todo := slices.Clone(roots); len(todo) > 0; {
		u := todo[0]
		todo = todo[1:]
		if !seen[u] {
			seen[u] = true
			all = append(all, u)
			todo = append(todo, requires[u.name()]...)
		}
	}
	return all
}
