package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// layer is a layer of the recipe with what belongs to it.
type layer struct {
	index  int
	recipe *recipe.Layer
	units  []*unit // in unpack order
	epoch  kiln.Epoch
	made   []*place // what rules and the recipe make, directories among them
	drop   []*glob
	keep   []*glob
	dirs   map[string]*shippedDir
}

// shippedDir is a directory that packages of the layer ship, whether it is
// dropped or not.
type shippedDir struct {
	first  *place     // in unpack order: as in dpkg, its mode and owner count
	newest kiln.Epoch // of all
}

func (l *layer) noteDir(p *place) {
	d := l.dirs[p.entry.Path]
	if d == nil {
		d = &shippedDir{first: p}
		l.dirs[p.entry.Path] = d
	}
	d.newest = max(d.newest, p.entry.ModTime)
}

func (l *layer) name() string { return l.recipe.Name }

// origin names a place in the layer as Origin does: "layers[app].files[0]".
func (l *layer) origin(list string, i int) string {
	return fmt.Sprintf("layers[%s].%s[%d]", l.name(), list, i)
}

// placeName names a place in the layer as messages do.
func (l *layer) placeName(list string, i int) string {
	return fmt.Sprintf("layers[%d].%s[%d] (layer %s)", l.index, list, i, l.name())
}

// want is a package that the recipe asks for by name.
type want struct {
	layer *layer
	index int
	*recipe.Package
	drop, keep []*glob
}

func (w *want) place() string { return w.layer.placeName("packages", w.index) }

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
				l.units = append(l.units, u)
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
	for _, u := range a.units {
		if u.ID.Name == name && fits(u) && (found == nil || u.ID.Architecture == a.arch) {
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

// closure returns roots and all that they require, by the lock's edges.
func (a *assembly) closure(roots []*unit) []*unit {
	requires := map[string][]*unit{} // name of the requirer
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
			todo = append(todo, requires[u.ID.Name]...)
		}
	}
	return all
}

// setEpoch takes the newest time stamp that the layer's packages bring, whatever
// is dropped later. A time that is later than the Release that vouches for the
// package is no evidence of anything and is passed over. A layer without
// packages has epoch 0.
func (l *layer) setEpoch() {
	for _, u := range l.units {
		for i := range u.ix.Entries {
			e := &u.ix.Entries[i]
			if u.VouchedAt.IsZero() || !e.ModTime.Time().After(u.VouchedAt) {
				l.epoch = max(l.epoch, e.ModTime)
			}
		}
	}
}

// unpackOrder sorts so that what is required comes before what requires it,
// first by name where that is open, and starting a cycle at its first name.
// Packages with the links of the merged /usr come before all others, so that
// paths below those links find them.
func unpackOrder(units []*unit) []*unit {
	sorted := slices.Clone(units)
	slices.SortFunc(sorted, byID)
	requires := requirements(sorted)
	done := map[*unit]bool{}
	var order []*unit
	var visit func(*unit)
	visit = func(u *unit) {
		if done[u] {
			return
		}
		done[u] = true
		for _, r := range requires[u] {
			visit(r)
		}
		order = append(order, u)
	}
	for _, u := range sorted {
		visit(u)
	}
	slices.SortStableFunc(order, func(x, y *unit) int { return boolOrder(!x.shipsMergedLinks(), !y.shipsMergedLinks()) })
	return order
}

// boolOrder puts false before true.
func boolOrder(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// requirements lists for each of the sorted units what it requires among them:
// the lock's edges and those of its own control file. Pre-Depends come first, so
// that they win where a cycle must break.
func requirements(sorted []*unit) map[*unit][]*unit {
	byName := map[string][]*unit{}
	for _, u := range sorted {
		byName[u.ID.Name] = append(byName[u.ID.Name], u)
	}
	edges := map[*unit][]*unit{}
	for _, u := range sorted {
		for _, d := range slices.Concat(u.pkg.PreDepends, u.pkg.Depends) {
			for _, r := range d {
				edges[u] = append(edges[u], byName[r.Name]...)
			}
		}
	}
	for _, u := range sorted {
		for _, requirer := range u.RequiredBy {
			for _, r := range byName[requirer] {
				edges[r] = append(edges[r], u)
			}
		}
	}
	return edges
}

// shipsMergedLinks reports whether the package is the one that makes bin, sbin
// and the like links into /usr.
func (u *unit) shipsMergedLinks() bool {
	return slices.ContainsFunc(u.ix.Entries, func(p packed) bool { return isMergedLink(&p.Entry) })
}

func isMergedLink(e *tree.Entry) bool {
	target := strings.TrimPrefix(e.Link, "/")
	return e.Type == tree.Symlink && slices.Contains(mergedNames(), e.Path) && target == "usr/"+e.Path
}

// mergedNames lists what may be a link into /usr.
func mergedNames() []string {
	return []string{"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"}
}
