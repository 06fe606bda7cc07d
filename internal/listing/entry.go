package listing

import "math"

// entry is what there is to a name. In the form it is the length of the text, the
// text, one more than the package that mentions the name first and the place
// there, or a zero; the number of packages and, if there is any, the first one;
// the number of provisions, and for each the package, the version and the
// qualifier, as values.
type entry struct {
	text       []byte
	mentioned  bool
	by, place  uint32
	packages   uint32
	first      uint32
	provisions uint32
	rest       reader // at the provisions
}

func (l *List) entry(n uint32) entry {
	e := entry{rest: reader{b: piece(l.names, l.nameEnds, n)}}
	r := &e.rest
	e.text = r.take(r.count())
	if by := uint32(r.num()); by > 0 {
		e.mentioned, e.by, e.place = true, by-1, uint32(r.num())
	}
	if e.packages = uint32(r.num()); e.packages > 0 {
		e.first = uint32(r.num())
	}
	e.provisions = uint32(r.num())
	return e
}

func (l *List) nameText(n uint32) []byte {
	r := reader{b: piece(l.names, l.nameEnds, n)}
	return r.take(r.count())
}

// find returns the entry of a name, an empty one where there is none.
func (l *List) find(name string) entry {
	from, to := 0, l.nameEnds.len()
	for from < to {
		middle := int(uint(from+to) / 2)
		switch text := l.nameText(uint32(middle)); {
		case string(text) == name:
			return l.entry(uint32(middle))
		case string(text) < name:
			from = middle + 1
		default:
			to = middle
		}
	}
	return entry{}
}

// checkEntry checks the entry of a name, whose packages must begin at first.
func (l *List) checkEntry(n, first uint32) (e entry, ok bool) {
	values, packages := l.valueEnds.len(), l.Len()
	r := &reader{b: piece(l.names, l.nameEnds, n)}
	e.text = r.take(r.count())
	if by := r.below(packages + 1); by > 0 {
		r.below(math.MaxInt32)
	}
	if e.packages = r.below(packages + 1 - int(first)); e.packages > 0 {
		e.first = r.below(packages)
		r.bad = r.bad || e.first != first
	}
	for range r.count() {
		r.below(packages)
		r.below(values)
		r.below(values)
	}
	return e, r.ended()
}
