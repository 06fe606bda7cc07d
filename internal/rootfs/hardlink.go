package rootfs

import (
	"slices"

	"kiln/internal/tree"
)

// scattered finds the files with several names that would not stay together, or not
// apart, if each name went to the member that its entry belongs to: a script has
// linked a shipped file, or one of a layer below, or has parted two names without
// changing either. All names of such a file go to the layer's last member.
func (l *layer) scattered(before, after *tree.Tree, shipped map[string]*place, own map[string]bool) map[string]bool {
	home := func(path string) any {
		if p := shipped[path]; p != nil {
			return p.unit
		}
		is, _ := after.Lookup(path)
		if was, ok := before.Lookup(path); ok && !own[path] && same(&was, &is) {
			return below
		}
		return nil
	}
	all := map[string]bool{}
	for first := range linked(before, after) {
		names := after.Names(first)
		at := home(first)
		mixed := slices.ContainsFunc(names, func(n string) bool { return home(n) != at })
		if at == below && !mixed {
			was := slices.DeleteFunc(before.Names(first), func(n string) bool { _, ok := after.Lookup(n); return !ok || home(n) != below })
			mixed = !slices.Equal(was, names)
		}
		for _, n := range names {
			if mixed && len(names) > 1 || mixed && at == below {
				all[n] = true
			}
		}
	}
	return all
}

// linked returns the first names of the files of after that have, or had, several.
func linked(before, after *tree.Tree) map[string]bool {
	firsts := map[string]bool{}
	for _, t := range []*tree.Tree{before, after} {
		for names := range t.Linked() {
			for _, n := range names {
				e, ok := after.Lookup(n)
				switch {
				case !ok || e.Type != tree.File:
				case e.Hard:
					firsts[e.Link] = true
				default:
					firsts[n] = true
				}
			}
		}
	}
	return firsts
}

// below is the home of what the layers below hold already.
const below = "below"
