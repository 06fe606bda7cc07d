package rootfs

import (
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// layer is a layer of the recipe with what belongs to it.
type layer struct {
	index    int
	recipe   *recipe.Layer
	units    []*unit // in unpack order
	epoch    kiln.Epoch
	made     []*place // what rules and the recipe make, directories among them
	drop     []*glob
	keep     []*glob
	dirs     map[string]*shippedDir
	oldest   kiln.Epoch        // time of any of them
	holds    directories       // of the finished layer
	scripted []*place          // what maintainer scripts made or changed, directories among them
	removed  []string          // what they and the layer's patterns took away of the layers below
	cleared  []string          // of that, what patterns did
	looked   []string          // files of the recipe that scripts looked at
	after    *tree.Tree        // this layer and those below, nothing dropped but by rules
	firsts   map[string]string // first name of each further name of a file in it
}

// shippedDir is a directory that packages of the layer ship, whether it is
// dropped or not.
type shippedDir struct {
	first   *place // in unpack order: as in dpkg, its mode and owner count
	several bool   // packages ship it
}

func (l *layer) noteDir(p *place) {
	if len(l.dirs) == 0 || p.entry.ModTime < l.oldest {
		l.oldest = p.entry.ModTime
	}
	if d := l.dirs[p.entry.Path]; d != nil {
		d.several = d.several || d.first.unit != p.unit
		return
	}
	l.dirs[p.entry.Path] = &shippedDir{first: p}
}

func (l *layer) name() string { return l.recipe.Name }

// origin names a place in the layer as Origin does: "layers[app].files[0]".
func (l *layer) origin(list string, i int) string {
	if place := l.elsewhere(list, i); place != "" {
		return place
	}
	return fmt.Sprintf("layers[%s].%s[%d]", l.name(), list, i)
}

// placeName names a place in the layer as messages do.
func (l *layer) placeName(list string, i int) string {
	if place := l.elsewhere(list, i); place != "" {
		return place
	}
	return fmt.Sprintf("layers[%d].%s[%d] (layer %s)", l.index, list, i, l.name())
}

// elsewhere is the part of the recipe that asks for what no line of the layer does.
func (l *layer) elsewhere(list string, i int) string {
	switch list {
	case "packages":
		return l.recipe.Packages[i].Place
	case "files":
		return l.recipe.Files[i].Place
	}
	return ""
}

// leavesOut reports whether a drop of the layer matches the path.
func (l *layer) leavesOut(path string) bool {
	return slices.ContainsFunc(l.drop, func(g *glob) bool { return doublestar.MatchUnvalidated(g.pattern, tree.Absolute(path)) })
}

// want is a package that the recipe asks for by name.
type want struct {
	layer *layer
	index int
	*recipe.Package
	drop, keep []*glob
}

func (w *want) place() string { return w.layer.placeName("packages", w.index) }

// setEpoch takes the newest epoch of the layer's packages. A layer without
// packages has epoch 0.
func (l *layer) setEpoch() {
	for _, u := range l.units {
		l.epoch = max(l.epoch, u.ix.epoch())
	}
}

// epoch is the newest time stamp that the package brings, whatever is dropped
// later. A time after that of the .deb itself is no evidence of anything and is
// passed over; where no time is left, that of the .deb counts. Nothing but the .deb
// has a say, so that whoever vouches for it changes no layer.
func (ix *index) epoch() kiln.Epoch {
	newest, found := kiln.Epoch(0), false
	for i := range ix.Entries {
		if t := ix.Entries[i].ModTime; t <= ix.BuiltAt {
			newest, found = max(newest, t), true
		}
	}
	if !found {
		return ix.BuiltAt
	}
	return newest
}
