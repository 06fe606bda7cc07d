package rootfs

import (
	"maps"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// settle compares what the layers below left with what the layer's packages and
// scripts made of it. A package's entry that is as it was shipped stays the
// package's; all else that is new or different is the scripts'. touched are the paths at which the two
// may differ, sorted; nil: all.
func (a *assembly) settle(l *layer, before, after *tree.Tree, touched []string) error {
	a.world, l.after = after, after
	l.readLinks()
	shipped := l.unchanged(after)
	if err := a.checkFiles(l, after); err != nil {
		return err
	}
	own := l.ownPaths(after)
	scattered := l.scattered(before, after, shipped, own)
	for _, path := range candidates(after, touched, scattered) {
		e, is := after.Lookup(path)
		old, there := before.Lookup(path)
		switch {
		case !is, e.Path == "." || own[e.Path]:
			continue
		case scattered[e.Path]:
			if p := shipped[e.Path]; p != nil {
				p.scripted = true
			}
		case shipped[e.Path] != nil || there && same(&old, &e):
			continue
		case e.Type == tree.Dir && (l.dirs[e.Path] != nil || e.Origin.Script == "" && (there || e.Origin.Package == "")): // makeLayer compares it, or needs it
			continue
		}
		if err := a.takeScripted(l, e); err != nil {
			return err
		}
	}
	l.removed = a.cleared(l, before, after, touched)
	return nil
}

// candidates are the paths at which something may be the layer's.
func candidates(t *tree.Tree, touched []string, scattered map[string]bool) []string {
	if touched == nil {
		return t.Paths()
	}
	all := slices.AppendSeq(slices.Clone(touched), maps.Keys(scattered))
	slices.SortFunc(all, tree.Compare)
	return slices.Compact(all)
}

// cleared adds what patterns take away of before to what scripts did. A path at which
// the layer has something else is merely replaced.
func (a *assembly) cleared(l *layer, before, after *tree.Tree, touched []string) []string {
	all := removed(before, after, candidates(before, touched, nil))
	for _, path := range l.cleared {
		c := a.claims[path]
		own := slices.ContainsFunc(l.made, func(p *place) bool { return p.entry.Path == path })
		was, there := before.Lookup(path)
		if _, is := after.Lookup(path); there && is && was.Type != tree.Dir && !own && (c == nil || c.layer != l) {
			all = append(all, path)
		}
	}
	slices.SortFunc(all, tree.Compare)
	return slices.Compact(all)
}

// unchanged returns what of the layer's packages is in after as it was shipped,
// directories apart, and marks the rest.
func (l *layer) unchanged(after *tree.Tree) map[string]*place {
	shipped := make(map[string]*place, after.Len())
	for _, u := range l.units {
		for _, p := range u.places {
			if p.excluded || p.gone || p.entry.Type == tree.Dir {
				continue
			}
			if e, ok := after.Lookup(p.entry.Path); ok && same(&p.entry, &e) && e.Origin.Package == u.name() {
				shipped[p.entry.Path] = p
			} else {
				p.scripted = true
			}
		}
	}
	return shipped
}

// same reports whether two entries are the same but for their origin and for
// which of several hard links is the first. The time of a directory says nothing.
func same(x, y *tree.Entry) bool {
	return x.Type == y.Type && x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID &&
		(x.ModTime == y.ModTime || x.Type == tree.Dir) && x.Size == y.Size && x.Content == y.Content &&
		(x.Type != tree.Symlink || x.Link == y.Link) && x.Major == y.Major && x.Minor == y.Minor && maps.Equal(x.Xattrs, y.Xattrs)
}

// ownPaths returns the paths of what rules and the recipe make in the layer. What
// a script changed of a rule's file is the script's.
func (l *layer) ownPaths(after *tree.Tree) map[string]bool {
	own := map[string]bool{}
	l.made = slices.DeleteFunc(l.made, func(p *place) bool {
		e, ok := after.Lookup(p.entry.Path)
		if p.entry.Origin.Recipe == "" && p.entry.Type != tree.Dir && (!ok || !same(&p.entry, &e)) {
			return true
		}
		own[p.entry.Path] = p.entry.Type != tree.Dir || p.entry.Origin.Recipe != ""
		return false
	})
	return own
}

// takeScripted gives the layer an entry that its scripts made or changed, unless
// a pattern of the recipe or a rule leaves it out.
func (a *assembly) takeScripted(l *layer, e tree.Entry) error {
	p := &place{entry: e, layer: l, unit: a.creator(e.Origin.Package)}
	if isDatabase(e.Path) {
		if !a.keepsDatabase(l, e.Path) {
			return nil
		}
	} else {
		p.dropped, _ = a.decide(p)
	}
	if p.dropped == "" && strings.HasPrefix(e.Path, debconfCache) && !a.hasPackage(l, "debconf") && a.isOn(noTraces) {
		p.dropped = noTraces // nothing in the image reads it
	}
	if p.dropped == "" && strings.Contains("/"+e.Path, "/"+whiteout) {
		return whiteoutError(p)
	}
	l.scripted = append(l.scripted, p)
	if p.dropped != "" && e.Type != tree.Dir {
		l.cleared = append(l.cleared, e.Path) // neither this one, nor the one that it was made of
		if c := a.claims[e.Path]; c != nil && c.layer.index < l.index {
			c.covered = true
		}
	}
	return nil
}

// creator returns the package that an origin names.
func (a *assembly) creator(name string) *unit {
	base, _, _ := strings.Cut(name, ":")
	for _, u := range a.byName[base] {
		if u.name() == name {
			return u
		}
	}
	return nil
}

// debconfCache begins the paths of debconf's database.
const debconfCache = "var/cache/debconf"

func isDatabase(path string) bool {
	return path == databaseDir || strings.HasPrefix(path, databaseDir+"/")
}

// keepsDatabase reports whether what scripts left at a path of dpkg's database
// belongs into the layer: where dpkg is there to read it, all but what kiln writes itself.
func (a *assembly) keepsDatabase(l *layer, path string) bool {
	name := strings.TrimPrefix(path, databaseDir+"/")
	switch {
	case !a.dpkgReads(l), path == infoDir, strings.HasPrefix(path, infoDir+"/"):
		return false
	case name == "status", name == "arch", strings.HasSuffix(name, "-old"), strings.HasPrefix(name, "lock"), name == "triggers/Lock":
		return false
	}
	return true
}

// hasPackage reports whether the package is in the layer or below it.
func (a *assembly) hasPackage(l *layer, name string) bool {
	return slices.ContainsFunc(a.byName[name], func(u *unit) bool { return u.layer.index <= l.index })
}

// removed lists what is in before and not in after, or is a directory in one of
// them only, of the paths of before; of directories that are gone only the top one.
func removed(before, after *tree.Tree, paths []string) []string {
	var top []string
	gone := map[string]bool{}
	for _, p := range paths {
		was, there := before.Lookup(p)
		if !there {
			continue
		}
		if is, ok := after.Lookup(p); ok && (was.Type == tree.Dir) == (is.Type == tree.Dir) {
			continue
		}
		gone[p] = true
		if !gone[tree.Parent(p)] {
			top = append(top, p)
		}
	}
	return top
}
