package rootfs

import (
	"slices"
	"strings"

	"kiln/internal/tree"
)

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

// mergedLinks lists the links that base-files ships for the architecture.
func (a *assembly) mergedLinks() []string {
	if slices.Contains([]string{"amd64", "ppc64el"}, a.arch) {
		return []string{"bin", "lib", "lib64", "sbin"}
	}
	return []string{"bin", "lib", "sbin"}
}

// makeMergedLinks makes the links that none of the layer's packages ships, and
// the folders that they lead to.
func (a *assembly) makeMergedLinks(l *layer) error {
	if !a.isOn(mergedUsr) {
		return nil
	}
	origin := ruleOrigin(mergedUsr)
	for _, name := range a.mergedLinks() {
		for _, e := range []tree.Entry{
			{Path: "usr/" + name, Type: tree.Dir, Mode: 0o755, ModTime: l.epoch, Origin: origin},
			{Path: name, Type: tree.Symlink, Mode: 0o777, ModTime: l.epoch, Link: "usr/" + name, Origin: origin},
		} {
			if err := a.own(&place{entry: e, layer: l, passing: true}); err != nil {
				return err
			}
		}
	}
	return nil
}
