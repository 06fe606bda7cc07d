package maint

import (
	"slices"
	"strings"

	"kiln/internal/deb"
)

// graph is who depends on whom among the packages.
type graph struct {
	packages []*member
	byName   map[string][]provider
	needs    map[*member][]need
}

// provider is a package that has a name, or provides it in a version.
type provider struct {
	member  *member
	version string
}

// need is one dependency: any of the packages in it will do.
type need struct {
	pre     bool // Pre-Depends
	targets []*member
	broken  []bool // by target: given up, to break a cycle
}

func newGraph(packages []*member) *graph {
	g := &graph{packages: packages, byName: map[string][]provider{}, needs: map[*member][]need{}}
	for _, m := range packages {
		g.byName[m.ID.Name] = append(g.byName[m.ID.Name], provider{m, m.ID.Version})
	}
	for _, m := range packages {
		for _, d := range m.Info.Provides {
			for _, r := range d {
				g.byName[r.Name] = append(g.byName[r.Name], provider{m, r.Version})
			}
		}
	}
	for _, m := range packages {
		for _, d := range m.Info.PreDepends {
			g.add(m, d, true)
		}
		for _, d := range m.Info.Depends {
			g.add(m, d, false)
		}
	}
	return g
}

func (g *graph) add(m *member, d deb.Dependency, pre bool) {
	n := need{pre: pre}
	for _, r := range d {
		for _, p := range g.byName[r.Name] {
			if p.member != m && r.SatisfiedBy(p.version) && !slices.Contains(n.targets, p.member) {
				n.targets = append(n.targets, p.member)
			}
		}
	}
	if len(n.targets) > 0 {
		n.broken = make([]bool, len(n.targets))
		g.needs[m] = append(g.needs[m], n)
	}
}

// sequence is the order in which apt unpacks packages that were not there before
// (pkgOrderList::OrderUnpack of apt 2.6): sorted by weight and name, then walked
// four times, what a package needs before the package. The first walk follows
// what must be configured before (Pre-Depends, and all that an immediate package
// needs), then Depends; the second and third only the former; the last one
// Pre-Depends, and Depends below them.
type sequence struct {
	graph     *graph
	immediate map[*member]bool // Essential packages and what they depend on by name
	primary   walk
	secondary bool // follow Depends as well
	depth     int
	state     map[*member]int // one of the states of a walk
	list      []*member
}

// walk says which dependencies a walk follows.
type walk int

const (
	preDepends walk = iota // Pre-Depends; below them all
	all                    // all
	lastWalk               // Pre-Depends; below the first level and of immediate packages all
)

// The states of a package in one walk.
const (
	waiting = iota + 1 // it is in the list, and was not come to
	entered
	listed
)

// unpackOrder sorts the packages of the list as apt would unpack them.
func unpackOrder(g *graph, list []*member) []*member {
	s := &sequence{graph: g, immediate: immediate(g), list: slices.Clone(list)}
	slices.SortStableFunc(s.list, func(x, y *member) int {
		if c := s.weight(y) - s.weight(x); c != 0 {
			return c
		}
		return strings.Compare(x.ID.Name, y.ID.Name)
	})
	s.walk(preDepends, true)
	s.walk(preDepends, false)
	s.walk(preDepends, false)
	s.walk(lastWalk, false)
	return s.list
}

// immediate marks the packages that apt configures as soon as it has unpacked
// them.
func immediate(g *graph) map[*member]bool {
	marked := map[*member]bool{}
	var mark func(m *member)
	mark = func(m *member) {
		marked[m] = true
		for _, d := range slices.Concat(m.Info.PreDepends, m.Info.Depends) {
			for _, r := range d {
				for _, p := range g.byName[r.Name] {
					if p.member.ID.Name == r.Name && !marked[p.member] {
						mark(p.member)
					}
				}
			}
		}
	}
	for _, m := range g.packages {
		if m.Info.Essential && !marked[m] {
			mark(m)
		}
	}
	return marked
}

// weight is what apt sorts by first, the greater the earlier.
func (s *sequence) weight(m *member) int {
	w := map[string]int{"required": 5, "important": 4, "standard": 3, "optional": 1}[m.Info.Priority]
	if m.Info.Essential {
		w += 200
	}
	if s.immediate[m] {
		w += 10
	}
	if len(m.Info.PreDepends) > 0 {
		w += 50
	}
	return w
}

func (s *sequence) walk(primary walk, secondary bool) {
	s.primary, s.secondary, s.state = primary, secondary, map[*member]int{}
	before := s.list
	s.list = nil
	for _, m := range before {
		s.state[m] = waiting
	}
	for _, m := range before {
		s.visit(m)
	}
}

func (s *sequence) visit(m *member) {
	if s.state[m] != waiting {
		return
	}
	s.state[m] = entered
	s.depth++
	before := s.primary
	if s.immediate[m] && s.primary != lastWalk {
		s.primary = all
	}
	s.visitNeeds(m)
	if s.secondary {
		for _, n := range s.graph.needs[m] {
			if !n.pre {
				s.visitAll(n)
			}
		}
	}
	s.primary = before
	s.depth--
	s.state[m] = listed
	s.list = append(s.list, m)
}

// visitNeeds follows the dependencies that must hold before m is unpacked.
func (s *sequence) visitNeeds(m *member) {
	for _, n := range s.graph.needs[m] {
		switch {
		case n.pre || s.primary == all:
		case s.primary == lastWalk && (s.depth > 1 || s.immediate[m]):
		default:
			continue
		}
		before := s.primary
		if n.pre && s.primary == preDepends {
			s.primary = all
		}
		s.visitAll(n)
		s.primary = before
	}
}

func (s *sequence) visitAll(n need) {
	for _, t := range n.targets {
		s.visit(t)
	}
}
