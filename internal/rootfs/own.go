package rootfs

import (
	"slices"

	"kiln/internal/tree"
)

// makeOwn makes what the layer holds beside its packages' files, the dpkg
// database excepted, which tells of the result.
func (a *assembly) makeOwn(l *layer) error {
	if l.index == 0 {
		if err := a.makeMergedLinks(l); err != nil {
			return err
		}
		if err := a.makeAccounts(l); err != nil {
			return err
		}
	}
	for i := range l.recipe.Files {
		if err := a.makeFile(l, i); err != nil {
			return err
		}
	}
	return nil
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
