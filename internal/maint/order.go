package maint

import (
	"cmp"
	"slices"
	"strings"
)

// InOrder sorts packages, whatever order they come in, as they are to be
// unpacked: base-files first, since it makes the links of the merged /usr, then what Essential
// packages need, which is marked as Bootstrap, then the rest; each by name.
func InOrder(packages []Package) []Package {
	all := slices.Clone(packages)
	slices.SortFunc(all, func(x, y Package) int {
		return cmp.Or(strings.Compare(x.ID.Name, y.ID.Name), strings.Compare(x.ID.Architecture, y.ID.Architecture))
	})
	markBootstrap(all)
	slices.SortStableFunc(all, func(x, y Package) int { return place(&x) - place(&y) })
	return all
}

func place(p *Package) int {
	switch {
	case p.ID.Name == "base-files":
		return 0
	case p.Bootstrap:
		return 1
	}
	return 2
}

// markBootstrap marks Essential packages and all that they depend on.
func markBootstrap(all []Package) {
	byName := map[string]*Package{}
	for i := range all {
		byName[all[i].ID.Name] = &all[i]
	}
	for i := range all {
		for _, d := range all[i].Info.Provides {
			if byName[d[0].Name] == nil {
				byName[d[0].Name] = &all[i]
			}
		}
	}
	var mark func(p *Package)
	mark = func(p *Package) {
		if p.Bootstrap {
			return
		}
		p.Bootstrap = true
		for _, d := range slices.Concat(p.Info.PreDepends, p.Info.Depends) {
			for _, r := range d {
				if q := byName[r.Name]; q != nil {
					mark(q)
					break
				}
			}
		}
	}
	for i := range all {
		if all[i].Info.Essential {
			mark(&all[i])
		}
	}
}

// configureOrder sorts so that a package comes after what it depends on, in the
// order of unpacking where that is open. A cycle is broken as dpkg breaks it:
// first at a package that has no postinst, so that its not being configured yet
// cannot be noticed; else where it was entered.
func configureOrder(packages []*member) []*member {
	o := &ordering{needs: needs(packages), state: map[*member]int{}}
	for _, m := range packages {
		if !m.Installed {
			o.visit(m)
		}
	}
	return o.order
}

type ordering struct {
	needs map[*member][]*member
	state map[*member]int // 0 not seen, 1 being visited, 2 done
	order []*member
}

func (o *ordering) visit(m *member) {
	if o.state[m] != 0 {
		return
	}
	o.state[m] = 1
	needed := slices.Clone(o.needs[m])
	// Of packages in one cycle, those with a postinst go first: they may count on
	// each other, a package without one counts on nothing.
	slices.SortStableFunc(needed, func(x, y *member) int { return rank(x) - rank(y) })
	for _, d := range needed {
		o.visit(d)
	}
	o.state[m] = 2
	if !m.Installed {
		o.order = append(o.order, m)
	}
}

func rank(m *member) int {
	if _, ok := m.file("postinst"); ok {
		return 1
	}
	return 0
}

// needs lists what each package depends on among the packages.
func needs(packages []*member) map[*member][]*member {
	byName := map[string][]*member{}
	for _, m := range packages {
		byName[m.ID.Name] = append(byName[m.ID.Name], m)
		for _, d := range m.Info.Provides {
			for _, r := range d {
				byName[r.Name] = append(byName[r.Name], m)
			}
		}
	}
	edges := map[*member][]*member{}
	for _, m := range packages {
		for _, d := range slices.Concat(m.Info.PreDepends, m.Info.Depends) {
			for _, r := range d {
				for _, other := range byName[r.Name] {
					if other != m && r.SatisfiedBy(other.ID.Version) {
						edges[m] = append(edges[m], other)
					}
				}
			}
		}
	}
	return edges
}
