package listing

import (
	"encoding/hex"
	"strings"

	"kiln/internal/deb"
)

// A record is one package: flags, the numbers of its name and of its source's,
// those of values, sizes, the hash, and those fields of relations that the flags
// announce. A field is how many dependencies it has, then the alternatives of each.
// An alternative is four times the number of its name, plus alternative where
// another one follows, plus detailed where flags come next and what they announce.
const (
	isEssential = 1 << iota
	isUsual     // its file has the usual name, in the folder that is given
	ownVersion  // its source has its version, and none is given
	hasSHA256   // 32 bytes are given, not a value
	hasField    // the first field of relations; the others in the bits above
	allFlags    = 1<<(4+relationFields) - 1
)

const (
	alternative = 1 << iota
	detailed
)

// Flags of a relation. The lowest three bits are the place of its operator, after
// which comes the version, unless it is the first one.
const (
	operatorMask    = 1<<3 - 1
	hasQualifier    = 1 << 3
	hasRestrictions = 1 << 4

	allRelationFlags = operatorMask | hasQualifier | hasRestrictions
)

var operators = [...]string{"", "<<", "<=", "=", ">=", ">>"}

const relationFields = 7

// fields are the relations of a package, in the order of FirstMention.
func fields(p *deb.Package) [relationFields]*deb.Relations {
	return [...]*deb.Relations{&p.PreDepends, &p.Depends, &p.Conflicts, &p.Breaks, &p.Recommends, &p.Replaces, &p.Provides}
}

// usualName is the file of a package in an archive's pool.
func usualName(folder string, p *deb.Package) string {
	version := p.Version
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	return folder + "/" + p.Name + "_" + version + "_" + p.Architecture + ".deb"
}

// decoder reads a record of a listing that was checked.
type decoder struct {
	reader
	list *List
}

func (d *decoder) read(p *deb.Package) {
	flags := d.num()
	p.Name = d.name()
	p.Source = d.name()
	p.Version = d.value()
	p.Architecture = d.value()
	p.MultiArch = d.value()
	p.Section = d.value()
	p.Priority = d.value()
	p.Filename = d.value()
	p.SourceVersion = p.Version
	if flags&ownVersion == 0 {
		p.SourceVersion = d.value()
	}
	p.InstalledSize = int64(d.num())
	p.Size = int64(d.num())
	p.Essential = flags&isEssential != 0
	if flags&isUsual != 0 {
		p.Filename = usualName(p.Filename, p)
	}
	if flags&hasSHA256 != 0 {
		p.SHA256 = hex.EncodeToString(d.take(32))
	} else {
		p.SHA256 = d.value()
	}
	for i, field := range fields(p) {
		if flags&(hasField<<i) != 0 {
			*field = d.field()
		}
	}
}

func (d *decoder) field() deb.Relations {
	list := make(deb.Relations, d.count())
	for i := range list {
		for more := true; more; {
			var r deb.Relation
			r, more = d.relation()
			list[i] = append(list[i], r)
		}
	}
	return list
}

func (d *decoder) relation() (r deb.Relation, more bool) {
	n := d.num()
	r.Name, more = d.list.name(uint32(n>>2)), n&alternative != 0
	if n&detailed == 0 {
		return r, more
	}
	flags := d.num()
	if op := flags & operatorMask; op != 0 {
		r.Op = operators[op]
		r.Version = d.value()
	}
	if flags&hasQualifier != 0 {
		r.Qualifier = d.value()
	}
	if flags&hasRestrictions != 0 {
		r.Architectures = d.values()
		for range d.count() {
			r.Profiles = append(r.Profiles, d.values())
		}
	}
	return r, more
}

func (d *decoder) values() []string {
	var list []string
	for range d.count() {
		list = append(list, d.value())
	}
	return list
}

func (d *decoder) name() string  { return d.list.name(uint32(d.num())) }
func (d *decoder) value() string { return d.list.value(uint32(d.num())) }
