package listing

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"

	"kiln/internal/deb"
)

// New makes a listing of packages, in any order.
func New(packages []*deb.Package) (*List, error) {
	b, err := Build(packages, Text{})
	if err != nil {
		return nil, err
	}
	return Open(b)
}

// Build makes a listing of packages, in any order, that were read from text. It
// refuses what the form cannot hold, which is 4 GiB of any one thing.
func Build(packages []*deb.Package, text Text) ([]byte, error) {
	list := sorted(packages)
	b := &builder{valueOf: map[string]uint32{}, operatorOf: map[string]uint64{}}
	for i, op := range operators {
		b.operatorOf[op] = uint64(i)
	}
	b.numberNames(list)
	b.value("")
	b.addPackages(list)
	b.addEntries(list)
	return b.join(text)
}

// builder gathers the parts.
type builder struct {
	List
	texts      []string          // of names, sorted
	nameOf     map[string]uint32 // to the place in texts
	valueOf    map[string]uint32
	operatorOf map[string]uint64
	large      bool // something is too large for the form
}

// numberNames numbers all names that packages mention, in their order.
func (b *builder) numberNames(list []*deb.Package) {
	b.nameOf = map[string]uint32{}
	for _, p := range list {
		b.nameOf[p.Name] = 0
		b.nameOf[p.Source] = 0
		for _, field := range fields(p) {
			for _, d := range *field {
				for i := range d {
					b.nameOf[d[i].Name] = 0
				}
			}
		}
	}
	b.texts = slices.Sorted(maps.Keys(b.nameOf))
	for i, name := range b.texts {
		b.nameOf[name] = uint32(i)
	}
}

// value returns the number of a string, which is new or known.
func (b *builder) value(s string) uint64 {
	n, ok := b.valueOf[s]
	if !ok {
		n = uint32(len(b.valueOf))
		b.valueOf[s] = n
		b.values = append(b.values, s...)
		b.valueEnds = b.valueEnds.append(b.size(len(b.values)))
	}
	return uint64(n)
}

// size is n as a number of the form.
func (b *builder) size(n int) uint32 {
	b.large = b.large || n > math.MaxUint32
	return uint32(n)
}

// addPackages writes the records, and what there is by package.
func (b *builder) addPackages(list []*deb.Package) {
	archs := map[string]bool{}
	for i, p := range list {
		if p.Essential {
			b.essential = b.essential.append(uint32(i))
		}
		archs[p.Architecture] = true
		b.addRecord(p)
		b.recordEnds = b.recordEnds.append(b.size(len(b.records)))
	}
	for _, a := range slices.Sorted(maps.Keys(archs)) {
		b.archs = b.archs.append(uint32(b.value(a)))
	}
}

// facts are what an entry holds besides its text.
type facts struct {
	mentioned       bool
	by, place       uint32
	packages, first uint32
	provisions      []uint64 // three for each
}

// addEntries writes what there is by name.
func (b *builder) addEntries(list []*deb.Package) {
	all := make([]facts, len(b.texts))
	for i, p := range list {
		f := &all[b.nameOf[p.Name]]
		if f.packages++; f.packages == 1 {
			f.first = uint32(i)
		}
		for _, d := range p.Provides {
			for _, r := range d {
				version := ""
				if r.Op == "=" {
					version = r.Version
				}
				f := &all[b.nameOf[r.Name]]
				f.provisions = append(f.provisions, uint64(i), b.value(version), b.value(r.Qualifier))
			}
		}
	}
	b.findMentions(list, all)
	for n, text := range b.texts {
		b.names = append(binary.AppendUvarint(b.names, uint64(len(text))), text...)
		b.names = all[n].append(b.names)
		b.nameEnds = b.nameEnds.append(b.size(len(b.names)))
	}
}

func (f *facts) append(to []byte) []byte {
	if f.mentioned {
		to = binary.AppendUvarint(to, uint64(f.by)+1)
		to = binary.AppendUvarint(to, uint64(f.place))
	} else {
		to = append(to, 0)
	}
	to = binary.AppendUvarint(to, uint64(f.packages))
	if f.packages > 0 {
		to = binary.AppendUvarint(to, uint64(f.first))
	}
	to = binary.AppendUvarint(to, uint64(len(f.provisions)/3))
	for _, n := range f.provisions {
		to = binary.AppendUvarint(to, n)
	}
	return to
}

// findMentions finds the first mention of each name.
func (b *builder) findMentions(list []*deb.Package, all []facts) {
	for _, i := range bySource(list) {
		place := uint32(0)
		mention := func(name string) {
			if f := &all[b.nameOf[name]]; !f.mentioned {
				f.mentioned, f.by, f.place = true, i, place
			}
			place++
			b.large = b.large || place == math.MaxInt32
		}
		mention(list[i].Name)
		for _, field := range fields(list[i]) {
			for _, d := range *field {
				for k := range d {
					if d[k].Qualifier == "" {
						mention(d[k].Name)
					}
				}
			}
		}
	}
}

// join writes the first line, the header and the parts.
func (b *builder) join(text Text) ([]byte, error) {
	h := &b.head
	h.names, h.nameBytes = b.size(b.nameEnds.len()), b.size(len(b.names))
	h.values, h.valueBytes = b.size(b.valueEnds.len()), b.size(len(b.values))
	h.essential, h.archs = b.size(b.essential.len()), b.size(b.archs.len())
	h.packages, h.recordBytes = b.size(b.recordEnds.len()), b.size(len(b.records))
	h.text = text
	if b.large {
		return nil, errors.New("cannot make a listing: it would be larger than 4 GiB")
	}
	size := len(firstLine) + headerSize
	for _, p := range b.parts() {
		size += len(*p.at)
	}
	out := h.append(append(make([]byte, 0, size), firstLine...))
	for _, p := range b.parts() {
		out = append(out, *p.at...)
	}
	return out, nil
}
