package resolve

import (
	"cmp"
	"slices"

	"kiln/internal/deb"
)

// Index holds all candidates of one platform, ready to be asked. It is
// read-only once built: any number of goroutines may resolve from it at once.
type Index struct {
	candidates []Candidate            // sorted by name, then the rest of their identity
	named      map[string]span        // candidates of that name
	provided   map[string][]provision // candidates that provide that name, in the order of candidates
	names      []string               // of candidates, sorted
	essential  []string               // of those, where a candidate is Essential
	mentioned  map[string]int32       // of candidates: see mentions
}

// span is a half-open range of Index.candidates.
type span struct{ from, to int32 }

// provision is one entry of a Provides field.
type provision struct {
	by        int32 // position in Index.candidates
	version   string
	qualifier string // "", "any" or the one architecture that it is provided for
}

// NewIndex builds an index. The order of the candidates does not matter; of
// those that are alike in all that tells them apart, one is kept.
func NewIndex(candidates []Candidate) *Index {
	byName := make(map[string][]int32, len(candidates))
	for i := range candidates {
		byName[candidates[i].Name] = append(byName[candidates[i].Name], int32(i))
	}
	ix := &Index{
		candidates: make([]Candidate, 0, len(candidates)),
		named:      make(map[string]span, len(byName)),
		provided:   make(map[string][]provision),
		names:      make([]string, 0, len(byName)),
	}
	for name := range byName {
		ix.names = append(ix.names, name)
	}
	slices.Sort(ix.names)
	for _, name := range ix.names {
		ix.addNamed(name, candidates, byName[name])
	}
	for i := range ix.candidates {
		ix.addProvided(int32(i))
		if c := &ix.candidates[i]; c.Essential && (len(ix.essential) == 0 || ix.essential[len(ix.essential)-1] != c.Name) {
			ix.essential = append(ix.essential, c.Name)
		}
	}
	ix.mentioned = ix.mentions()
	return ix
}

// mentions numbers the names of packages as apt does its own records of them
// while it reads an index that is sorted by source and name, as Debian's are: a
// package counts from its own paragraph or from the first relation that names
// it. apt breaks ties between providers by that number.
func (ix *Index) mentions() map[string]int32 {
	numbers := make(map[string]int32, len(ix.names))
	number := func(name string) {
		if _, ok := numbers[name]; !ok {
			numbers[name] = int32(len(numbers))
		}
	}
	order := make([]int32, len(ix.candidates))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(ix.candidates[a].Package.Source, ix.candidates[b].Package.Source), cmp.Compare(a, b))
	})
	for _, i := range order {
		p := &ix.candidates[i]
		number(p.Name)
		for _, field := range []deb.Relations{p.PreDepends, p.Depends, p.Conflicts, p.Breaks, p.Recommends, p.Replaces, p.Provides} {
			for _, d := range field {
				for _, r := range d {
					if r.Qualifier == "" {
						number(r.Name)
					}
				}
			}
		}
	}
	return numbers
}

func (ix *Index) addNamed(name string, from []Candidate, at []int32) {
	start := len(ix.candidates)
	for _, i := range at {
		c := from[i]
		if c.Priority == 0 {
			c.Priority = DefaultPriority
		}
		ix.candidates = append(ix.candidates, c)
	}
	group := ix.candidates[start:]
	if len(group) > 1 {
		slices.SortFunc(group, compareIdentity)
		group = slices.CompactFunc(group, func(a, b Candidate) bool { return compareIdentity(a, b) == 0 })
		ix.candidates = ix.candidates[:start+len(group)]
	}
	ix.named[name] = span{int32(start), int32(len(ix.candidates))}
}

// compareIdentity orders candidates of one name: newest first, and then by
// everything that could tell two of them apart, for the sake of determinism.
func compareIdentity(a, b Candidate) int {
	return cmp.Or(
		cmp.Compare(a.Architecture, b.Architecture),
		deb.Compare(b.Version, a.Version),
		cmp.Compare(a.Version, b.Version),
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(a.Archive, b.Archive),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.SHA256, b.SHA256),
		cmp.Compare(a.Filename, b.Filename),
	)
}

func (ix *Index) addProvided(i int32) {
	for _, dependency := range ix.candidates[i].Provides {
		for _, r := range dependency {
			version := ""
			if r.Op == "=" {
				version = r.Version
			}
			ix.provided[r.Name] = append(ix.provided[r.Name], provision{i, version, r.Qualifier})
		}
	}
}
