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
