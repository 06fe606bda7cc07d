package resolve

import (
	"cmp"
	"slices"
)

// memo is what a world has looked up in its index.
type memo struct {
	candidates []*Candidate           // by number; nil where nobody asked yet
	named      map[string][]int32     // by name, in order
	provided   map[string][]provision // by name, in the order of who provides it
	mentioned  map[string]mention
}

func newMemo(ix *Index) memo {
	return memo{
		candidates: make([]*Candidate, ix.len()),
		named:      map[string][]int32{},
		provided:   map[string][]provision{},
		mentioned:  map[string]mention{},
	}
}

// at returns the candidate c.
func (w *world) at(c int32) *Candidate {
	if w.memo.candidates[c] == nil {
		w.memo.candidates[c] = w.candidate(c)
	}
	return w.memo.candidates[c]
}

// order sorts candidates by name, and then as compareIdentity does.
func (w *world) order(a, b int32) int {
	if a == b {
		return 0
	}
	p, q := w.at(a), w.at(b)
	if c := cmp.Compare(p.Name, q.Name); c != 0 {
		return c
	}
	return cmp.Or(compareIdentity(p, q), cmp.Compare(a, b))
}

// named returns the candidates of a name in order, each once: two indexes of one
// archive may both have a package.
func (w *world) named(name string) []int32 {
	if list, ok := w.memo.named[name]; ok {
		return list
	}
	var list []int32
	for i, s := range w.stocks {
		for k, end := s.Named(name); k < end; k++ {
			list = append(list, w.starts[i]+int32(k))
		}
	}
	if len(list) > 1 {
		slices.SortFunc(list, w.order)
		list = slices.CompactFunc(list, func(a, b int32) bool { return compareIdentity(w.at(a), w.at(b)) == 0 })
	}
	w.memo.named[name] = list
	return list
}

// provided returns who provides a name, in order.
func (w *world) provided(name string) []provision {
	if list, ok := w.memo.provided[name]; ok {
		return list
	}
	var list []provision
	for i, s := range w.stocks {
		for _, p := range s.Provisions(name) {
			by := w.starts[i] + int32(p.By)
			if len(w.stocks) == 1 || slices.Contains(w.named(w.at(by).Name), by) {
				list = append(list, provision{by, p.Version, p.Qualifier})
			}
		}
	}
	if len(w.stocks) > 1 {
		slices.SortStableFunc(list, func(a, b provision) int { return w.order(a.by, b.by) })
	}
	w.memo.provided[name] = list
	return list
}

// mention is where a name is mentioned first.
type mention struct {
	by    int32 // candidate
	place int   // among the names that it mentions
}

// compareMentions orders the names of candidates as apt numbers its own records
// of them while it reads an index that is sorted by source and name, as Debian's
// are: a package counts from its own paragraph or from the first relation that
// names it. apt breaks ties between providers by that number.
func (w *world) compareMentions(a, b string) int {
	if a == b {
		return 0
	}
	return w.earlier(w.mention(a), w.mention(b))
}

// mention finds the first mention of a candidate's name in all stocks.
func (w *world) mention(name string) mention {
	if m, ok := w.memo.mentioned[name]; ok {
		return m
	}
	first := mention{by: nothing}
	for i, s := range w.stocks {
		by, place, ok := s.FirstMention(name)
		if !ok {
			continue
		}
		if m := (mention{w.starts[i] + int32(by), place}); first.by == nothing || w.earlier(m, first) < 0 {
			first = m
		}
	}
	w.memo.mentioned[name] = first
	return first
}

// earlier compares mentions by source, then as candidates are ordered.
func (w *world) earlier(a, b mention) int {
	if c := cmp.Compare(w.at(a.by).Package.Source, w.at(b.by).Package.Source); c != 0 {
		return c
	}
	return cmp.Or(w.order(a.by, b.by), cmp.Compare(a.place, b.place))
}
