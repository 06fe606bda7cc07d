package resolve

import (
	"cmp"
	"fmt"
	"slices"

	"kiln/internal/deb"
	"kiln/internal/listing"
)

// Stock is a listing of packages that have one origin.
type Stock struct {
	*listing.List
	Archive  string // as in Candidate, and so the other two
	Source   string
	Priority int
}

// Index holds all candidates of one platform, ready to be asked. It is
// read-only once built: any number of goroutines may resolve from it at once.
//
// A candidate is a number: the packages of the first stock come first. Numbers say
// nothing of preference or order; world.order does.
type Index struct {
	stocks []Stock
	starts []int32 // of the stocks: the number of the first candidate; and one more, the end
}

// provision is one entry of a Provides field.
type provision struct {
	by        int32 // candidate
	version   string
	qualifier string // "", "any" or the one architecture that it is provided for
}

// Join builds an index of stocks. Their order does not matter; of candidates that
// are alike in all that tells them apart, one is kept.
func Join(stocks []Stock) *Index {
	ix := &Index{stocks: slices.Clone(stocks), starts: []int32{0}}
	for i := range ix.stocks {
		s := &ix.stocks[i]
		if s.Priority == 0 {
			s.Priority = DefaultPriority
		}
		ix.starts = append(ix.starts, ix.starts[i]+int32(s.Len()))
	}
	return ix
}

// NewIndex is Join for candidates as such.
func NewIndex(candidates []Candidate) *Index {
	type origin struct {
		archive, source string
		priority        int
	}
	var origins []origin
	packages := map[origin][]*deb.Package{}
	for _, c := range candidates {
		o := origin{c.Archive, c.Source, c.Priority}
		if packages[o] == nil {
			origins = append(origins, o)
		}
		packages[o] = append(packages[o], c.Package)
	}
	var stocks []Stock
	for _, o := range origins {
		list, err := listing.New(packages[o])
		if err != nil {
			panic(fmt.Sprintf("bug: packages that are in memory make no listing: %v", err))
		}
		stocks = append(stocks, Stock{list, o.archive, o.source, o.priority})
	}
	return Join(stocks)
}

// len is the number of candidates.
func (ix *Index) len() int { return int(ix.starts[len(ix.stocks)]) }

// candidate makes the candidate c.
func (ix *Index) candidate(c int32) *Candidate {
	i, _ := slices.BinarySearchFunc(ix.starts[1:], c, func(end, c int32) int {
		if end <= c {
			return -1
		}
		return 1
	})
	s := &ix.stocks[i]
	return &Candidate{Package: s.Package(int(c - ix.starts[i])), Archive: s.Archive, Source: s.Source, Priority: s.Priority}
}

// names lists the names of all candidates, sorted.
func (ix *Index) names() []string {
	var all []string
	for _, s := range ix.stocks {
		all = slices.AppendSeq(all, s.Names())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// compareIdentity orders candidates of one name: newest first, and then by
// everything that could tell two of them apart, for the sake of determinism.
func compareIdentity(a, b *Candidate) int {
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
