// Package listing is the compact form of an archive's Packages file: all that
// kiln reads of it, ready to be asked by name without reading the rest. It is made
// once, of packages that were read from verified bytes, and kept in the store; a
// later run opens it as it is and decodes only the packages that it looks at.
//
// Packages stand in the order of name, architecture and falling version. Of those
// that are alike in all that tells them apart, the first one stands. Names are a
// sorted table, all other strings are kept once, and relations are numbers that
// refer to both. What a listing gives back of a package is what was put in.
//
// Open refuses what New did not make: a form of another kind, one that is cut off,
// and any number that leads nowhere. It does not find out whether somebody made
// another listing on purpose; who keeps one has to see to that.
package listing

import (
	"cmp"
	"iter"
	"slices"

	"kiln"
	"kiln/internal/deb"
)

// List is an open listing. It is read-only: any number of goroutines may use it.
type List struct {
	head       header
	nameEnds   column // by name: where its entry ends
	names      []byte // entries: see entry
	valueEnds  column // by value, of which the first is "": where its text ends
	values     []byte
	essential  column // packages
	archs      column // values
	recordEnds column // by package: where its record ends
	records    []byte // see record.go
}

// Text is what a Packages file was before it was a listing, without compression.
// It is zero where the listing was not made of a file.
type Text struct {
	Digest kiln.Digest
	Size   int64 // in bytes
}

// Text returns what the listing was made of.
func (l *List) Text() Text { return l.head.text }

// Len returns the number of packages.
func (l *List) Len() int { return l.recordEnds.len() }

// Architectures lists those of the packages, sorted.
func (l *List) Architectures() []string {
	list := make([]string, l.archs.len())
	for i := range list {
		list[i] = l.value(l.archs.at(i))
	}
	return list
}

// Names yields the names of the packages in order, each once.
func (l *List) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range uint32(l.nameEnds.len()) {
			if e := l.entry(n); e.packages > 0 && !yield(string(e.text)) {
				return
			}
		}
	}
}

// Named returns the packages of a name: those from first up to, not including, end.
func (l *List) Named(name string) (first, end int) {
	e := l.find(name)
	return int(e.first), int(e.first + e.packages)
}

// Provision is one entry of a Provides field.
type Provision struct {
	By        int    // the package that has it
	Version   string // "" where it gives none
	Qualifier string // architecture that it is provided for, or "any"; mostly ""
}

// Provisions returns the entries of Provides fields for a name, by package and
// then as they stand in its field.
func (l *List) Provisions(name string) []Provision {
	e := l.find(name)
	if e.provisions == 0 {
		return nil
	}
	list := make([]Provision, e.provisions)
	for i := range list {
		list[i] = Provision{By: int(e.rest.num()), Version: l.value(uint32(e.rest.num())), Qualifier: l.value(uint32(e.rest.num()))}
	}
	return list
}

// Essential returns the packages that are marked so.
func (l *List) Essential() []int {
	list := make([]int, l.essential.len())
	for i := range list {
		list[i] = int(l.essential.at(i))
	}
	return list
}

// FirstMention returns where a reader who takes the packages by source and then in
// the listing's order first comes upon a name: the package, and the place among
// all names that it mentions. A package mentions its own name, and then what its
// Pre-Depends, Depends, Conflicts, Breaks, Recommends, Replaces and Provides name
// without a qualifier. It is how apt numbers names while it reads an index.
func (l *List) FirstMention(name string) (by, place int, ok bool) {
	e := l.find(name)
	return int(e.by), int(e.place), e.mentioned
}

// Package decodes the package i. It is the caller's.
func (l *List) Package(i int) *deb.Package {
	p := &deb.Package{}
	d := decoder{list: l, reader: reader{b: piece(l.records, l.recordEnds, uint32(i))}}
	d.read(p)
	return p
}

func (l *List) name(n uint32) string  { return string(l.nameText(n)) }
func (l *List) value(n uint32) string { return string(piece(l.values, l.valueEnds, n)) }

// compare orders packages, and tells apart those that differ.
func compare(a, b *deb.Package) int {
	if c := cmp.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Architecture, b.Architecture),
		deb.Compare(b.Version, a.Version),
		cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.SHA256, b.SHA256),
		cmp.Compare(a.Filename, b.Filename),
	)
}

// sorted returns packages in the order of a listing.
func sorted(packages []*deb.Package) []*deb.Package {
	list := slices.Clone(packages)
	slices.SortStableFunc(list, compare)
	return slices.CompactFunc(list, func(a, b *deb.Package) bool { return compare(a, b) == 0 })
}

// bySource returns the places of sorted packages in the order of their sources.
func bySource(list []*deb.Package) []uint32 {
	order := make([]uint32, len(list))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return cmp.Compare(list[x].Source, list[y].Source) })
	return order
}
