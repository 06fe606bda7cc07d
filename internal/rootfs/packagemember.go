package rootfs

import (
	"cmp"
	"slices"

	"kiln/internal/tree"
)

// packageMember is the member of a layer that holds what is a package's own.
type packageMember struct {
	tree.Member
	unit *unit
}

// members returns the members of the layer's packages, whether they hold anything or
// not: those that ship most first, so that what changes in the blob when one
// package does is little for most of them.
func (l *layer) members() []*packageMember {
	all := make([]*packageMember, len(l.units))
	each(len(all), func(i int) { all[i] = &packageMember{l.member(l.units[i]), l.units[i]} })
	sizes := map[*unit]int64{}
	for _, u := range l.units {
		for _, p := range u.places {
			sizes[u] += p.entry.Size
		}
	}
	slices.SortFunc(all, func(x, y *packageMember) int {
		return cmp.Or(cmp.Compare(sizes[y.unit], sizes[x.unit]), byID(x.unit, y.unit))
	})
	return all
}

// allOf are the members with what is in no package, whose entries they share.
func allOf(members []*packageMember, own tree.Member) []tree.Member {
	all := []tree.Member{own}
	for _, m := range members {
		all = append(all, m.Member)
	}
	return all
}

// member returns the package's own entries, but for directories. Where the first
// name of hard links is not among them, the next one becomes the first.
func (l *layer) member(u *unit) tree.Member {
	m := tree.Member{Name: u.ID.String()}
	places := slices.DeleteFunc(slices.Clone(u.places), func(p *place) bool { return !p.in() || p.entry.Type == tree.Dir })
	m.Entries = make([]tree.Entry, 0, len(u.places)) // directories may come to it
	slices.SortStableFunc(places, func(x, y *place) int { return tree.Compare(x.entry.Path, y.entry.Path) })
	for _, p := range places {
		m.Entries = append(m.Entries, l.linked(p.entry))
	}
	relink(m.Entries)
	return m
}

// homes tells of each directory that packages of the layer have something in, or
// ship, which package's member that is: nil where it is none's alone, as of the root
// and of what stands above a path that the layer removes.
func (l *layer) homes(members []*packageMember, removed []string) map[string]*packageMember {
	home := map[string]*packageMember{}
	take := func(dir string, m *packageMember) {
		for {
			had, there := home[dir]
			if there && (had == m || had == nil) {
				return
			}
			if there {
				m = nil // and so of all above it
			}
			home[dir] = m
			if dir == "." {
				return
			}
			dir = tree.Parent(dir)
		}
	}
	take(".", nil)
	for _, p := range removed {
		take(tree.Parent(p), nil)
	}
	for _, m := range members {
		for i := range m.Entries {
			take(tree.Parent(m.Entries[i].Path), m)
		}
		for _, p := range m.unit.places {
			if p.in() && p.entry.Type == tree.Dir {
				take(p.entry.Path, m)
			}
		}
	}
	return home
}
