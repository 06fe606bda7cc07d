package rootfs

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"kiln/internal/maint/dpkgtool"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Two packages may ship one path if one of them diverts it (dpkg-divert(1)): the
// other's file then goes elsewhere. Whether it does, its preinst tells by running.

// mayDivert reports whether the preinst of one of the two calls dpkg-divert, so that
// the verdict on their conflict has to wait for it.
func (a *assembly) mayDivert(x, y *place) bool {
	return x.entry.Type != tree.Dir && y.entry.Type != tree.Dir && (a.callsDivert(x.unit) || a.callsDivert(y.unit))
}

func (a *assembly) callsDivert(u *unit) bool {
	f := u.ix.file("preinst")
	if f == nil || slices.Contains(u.skip, "preinst") {
		return false
	}
	text, err := a.contents.readAll(f.Digest)
	return err == nil && bytes.Contains(text, []byte("dpkg-divert")) // what cannot be read stops the build later
}

// checkContested gives the verdict on the conflicts that came with the layer.
func (a *assembly) checkContested(l *layer, f *vfs.FS) error {
	var left []*conflict
	if len(a.contested) == 0 {
		return nil
	}
	text, err := f.ReadFile("/" + databaseDir + "/diversions")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all, err := dpkgtool.ParseDiversions(text)
	if err != nil {
		return err
	}
	for _, c := range a.contested {
		if c.second.layer == l && !c.diverted(all) {
			left = append(left, c)
		}
	}
	if left == nil {
		return nil
	}
	return conflictError(left)
}

// diverted reports whether one of the two packages has diverted the other's file.
func (c *conflict) diverted(all []dpkgtool.Diversion) bool {
	return slices.ContainsFunc(all, func(d dpkgtool.Diversion) bool {
		name, _, _ := strings.Cut(d.Package, ":")
		mine := d.From == tree.Absolute(c.first.entry.Path) || d.From == tree.Absolute(c.first.shipped) || d.From == tree.Absolute(c.second.shipped)
		return mine && c.first.unit.ID.Name != c.second.unit.ID.Name && (name == c.first.unit.ID.Name || name == c.second.unit.ID.Name)
	})
}
