package rootfs

import (
	"slices"

	"kiln/internal/tree"
)

// foretell tells Input.Early what the members of freshly unpacked packages are if no script
// touches what is in them: so they can be compressed while scripts run. What the
// layer comes to does not depend on it.
func (a *assembly) foretell() {
	if a.in.Early == nil {
		return
	}
	content := &contents{store: a.store, pieces: a.contents.pieces} // what scripts make is not in it
	for _, l := range a.layers {
		if !slices.ContainsFunc(l.units, func(u *unit) bool { return u.fresh }) {
			continue
		}
		members := l.members()
		home := l.homes(members, nil)
		for _, m := range members {
			if !m.unit.fresh {
				continue
			}
			for dir, shipped := range l.dirs {
				if shipped.first.unit == m.unit && !shipped.several && home[dir] == m {
					m.Entries = append(m.Entries, shipped.first.entry)
				}
			}
			if len(m.Entries) > 0 {
				tree.SortEntries(m.Entries)
				a.in.Early(l.name(), m.Member, content)
			}
		}
	}
}
