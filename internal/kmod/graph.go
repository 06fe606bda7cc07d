package kmod

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// module is a module among others.
type module struct {
	path, name string
	facts      *Facts
	index      int // in depmod's order
	deps       []*module
	users      int // modules that need it
	rank       int // in the order in which those without users come first
}

// graph is all modules of a release, in depmod's order, and who exports a symbol.
type graph struct {
	modules []*module
	owners  map[string]*module
}

// choose takes the modules that depmod does, in its order: as modules.order has them, then
// the others as its hash table does.
func choose(s *Source) []*module {
	byName := map[string]string{}
	for _, m := range slices.SortedFunc(slices.Values(s.Modules), func(a, b Module) int { return cmp.Compare(a.Path, b.Path) }) {
		if !IsModule(m.Path) || s.Config.excluded(m.Path) {
			continue
		}
		if old, ok := byName[Name(m.Path)]; !ok || !s.Config.stays(old, m.Path) {
			byName[Name(m.Path)] = m.Path
		}
	}
	var names []string
	for n := range byName { // sorted below
		names = append(names, n)
	}
	byBucket(names, moduleBuckets)
	places := map[string]int{}
	for i, line := range slices.Collect(strings.Lines(string(s.Order))) {
		if line = strings.TrimSuffix(line, "\n"); places[line] == 0 {
			places[line] = i + 1
		}
	}
	var all []*module
	for _, n := range names {
		place := places[bare(byName[n])+".ko"]
		if place == 0 {
			place = math.MaxInt
		}
		all = append(all, &module{path: byName[n], name: n, rank: place})
	}
	slices.SortStableFunc(all, func(a, b *module) int { return cmp.Compare(a.rank, b.rank) })
	for i, m := range all {
		m.index = i
	}
	return all
}

// link finds who needs whom. The last module that exports a symbol has it.
func link(modules []*module) (*graph, error) {
	g := &graph{modules, map[string]*module{}}
	for _, m := range modules {
		for _, s := range m.facts.Exports {
			g.owners[s] = m
		}
	}
	for _, m := range modules {
		seen := map[*module]bool{}
		for _, s := range m.facts.Needs {
			owner := g.owners[strings.TrimPrefix(s, ".")]
			if owner != nil && !seen[owner] {
				seen[owner] = true
				m.deps = append(m.deps, owner)
				owner.users++
			}
		}
	}
	if err := g.sort(); err != nil {
		return nil, err
	}
	for _, m := range modules {
		slices.SortFunc(m.deps, byRank)
	}
	return g, nil
}

func byRank(a, b *module) int { return cmp.Compare(a.rank, b.rank) }

// sort ranks the modules: each before those that it needs.
func (g *graph) sort() error {
	users := make([]int, len(g.modules))
	var roots []*module
	for i, m := range g.modules {
		if users[i] = m.users; m.users == 0 {
			roots = append(roots, m)
		}
	}
	rank := 0
	for ; len(roots) > 0; rank++ {
		m := roots[len(roots)-1]
		roots = roots[:len(roots)-1]
		m.rank = rank
		for _, d := range m.deps {
			if users[d.index]--; users[d.index] == 0 {
				roots = append(roots, d)
			}
		}
	}
	if rank == len(g.modules) {
		return nil
	}
	var names []string
	for i, m := range g.modules {
		if users[i] > 0 {
			names = append(names, m.name)
		}
	}
	slices.Sort(names)
	return fmt.Errorf("modules need each other in a circle, or are needed by such: %s", strings.Join(names, ", "))
}

// closure returns all that a module needs, in order.
func (m *module) closure() []*module {
	seen := map[*module]bool{}
	var all []*module
	var visit func(*module)
	visit = func(of *module) {
		for _, d := range of.deps {
			if !seen[d] {
				seen[d] = true
				all = append(all, d)
				visit(d)
			}
		}
	}
	visit(m)
	slices.SortFunc(all, byRank)
	return all
}
