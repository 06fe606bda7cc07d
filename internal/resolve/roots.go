package resolve

import (
	"cmp"
	"slices"

	"kiln/internal/deb"
)

// roots are what the request asks for, in apt's order, which is not that of the
// command line. Wants that nothing meets are returned as problems.
func (w *world) roots() ([]root, []Problem) {
	var list []root
	var problems []Problem
	for _, want := range w.sortedWants() {
		by, problem := w.meets(want)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		list = append(list, root{rule{kind: ruleWant, want: want}, by})
		w.leaveOut(want.Without, by)
	}
	slices.SortStableFunc(list, func(a, b root) int {
		return w.compareMentions(w.at(a.by[0]).Name, w.at(b.by[0]).Name)
	})
	if w.req.Essential {
		list = append(list, w.essential()...)
	}
	return list, problems
}

func (w *world) leaveOut(names []string, by []int32) {
	var keys []string
	for _, c := range by {
		keys = append(keys, w.key(c))
	}
	for _, key := range slices.Compact(keys) {
		w.without[key] = append(w.without[key], names...)
	}
}

func (w *world) sortedWants() []*Want {
	var list []*Want
	for i := range w.req.Wants {
		list = append(list, &w.req.Wants[i])
	}
	slices.SortStableFunc(list, func(a, b *Want) int {
		return cmp.Or(
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(w.archOf(a.Arch), w.archOf(b.Arch)),
			cmp.Compare(a.Op, b.Op),
			cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Place, b.Place),
		)
	})
	return list
}

// meets returns the candidates that meet a want: versions of the package of
// that name, or else its one provider.
func (w *world) meets(want *Want) ([]int32, *Problem) {
	arch := w.archOf(want.Arch)
	var named, by []int32
	for _, c := range w.rank(want.Name) {
		if w.arch(c) == arch {
			named = append(named, c)
			if w.within(c, want) {
				by = append(by, c)
			}
		}
	}
	if len(named) == 0 {
		return w.provider(want, arch)
	}
	if len(by) == 0 {
		return nil, w.noVersion(want, named)
	}
	if problem := w.checkWithout(want, by); problem != nil {
		return nil, problem
	}
	return by, nil
}

func (w *world) within(c int32, want *Want) bool {
	p := w.at(c)
	return (want.Source == "" || p.Source == want.Source) && deb.Satisfies(p.Version, want.Op, want.Version)
}

// provider resolves a want for a name that no package has. As apt does, it
// takes the package that provides it if there is one only, and refuses to
// choose among several. Unlike apt, it does not take the package of that name
// of a foreign architecture.
func (w *world) provider(want *Want, arch string) ([]int32, *Problem) {
	relation := deb.Relation{Name: want.Name, Op: want.Op, Version: want.Version}
	var by []int32
	var names []string
	for _, c := range w.satisfiers(relation, arch) {
		if w.at(c).Name != want.Name && w.favourite(c) && (want.Source == "" || w.at(c).Source == want.Source) {
			by = append(by, c)
			names = append(names, w.label(c))
		}
	}
	slices.Sort(names)
	switch len(slices.Compact(names)) {
	case 0:
		return nil, w.unknown(want, arch)
	case 1:
		if problem := w.checkWithout(want, by); problem != nil {
			return nil, problem
		}
		return by, nil
	}
	return nil, ambiguous(want, slices.Compact(names))
}

// checkWithout refuses a dependency to leave out that no candidate has: the
// recipe would claim something that is not, or no longer, so.
func (w *world) checkWithout(want *Want, by []int32) *Problem {
	for _, name := range want.Without {
		if !slices.ContainsFunc(by, func(c int32) bool { return w.dependsOn(c, name) }) {
			return w.noDependency(want, name, by[0])
		}
	}
	return nil
}

func (w *world) dependsOn(c int32, name string) bool {
	return slices.Contains(dependencyNames(w.at(c).Package), name)
}

func dependencyNames(p *deb.Package) []string {
	var names []string
	for _, relations := range []deb.Relations{p.PreDepends, p.Depends} {
		for _, d := range relations {
			for _, r := range d {
				names = append(names, r.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// essential returns a root for each native package that is marked Essential in
// the version that apt would look at.
func (w *world) essential() []root {
	var list []root
	for _, name := range w.essentialNames() {
		var by []int32
		for _, c := range w.rank(name) {
			if w.arch(c) == w.req.Arch && w.at(c).Essential {
				by = append(by, c)
			}
		}
		if len(by) > 0 && w.favourite(by[0]) {
			list = append(list, root{rule{kind: ruleEssential, subject: by[0]}, by})
		}
	}
	return list
}

// essentialNames lists the names of which some candidate is essential, sorted.
func (w *world) essentialNames() []string {
	var names []string
	for i, s := range w.stocks {
		for _, k := range s.Essential() {
			names = append(names, w.at(w.starts[i]+int32(k)).Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
