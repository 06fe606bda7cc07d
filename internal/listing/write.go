package listing

import (
	"encoding/binary"
	"encoding/hex"
	"path"

	"kiln/internal/deb"
)

// addRecord writes the record of p.
func (b *builder) addRecord(p *deb.Package) {
	flags, file := uint64(0), p.Filename
	if p.Essential {
		flags |= isEssential
	}
	if folder := path.Dir(file); file != "" && usualName(folder, p) == file {
		flags, file = flags|isUsual, folder
	}
	if p.SourceVersion == p.Version {
		flags |= ownVersion
	}
	sum, err := hex.DecodeString(p.SHA256)
	if err == nil && len(sum) == 32 && hex.EncodeToString(sum) == p.SHA256 {
		flags |= hasSHA256
	}
	for i, field := range fields(p) {
		if len(*field) > 0 {
			flags |= hasField << i
		}
	}
	b.num(flags)
	b.num(uint64(b.nameOf[p.Name]))
	b.num(uint64(b.nameOf[p.Source]))
	for _, s := range []string{p.Version, p.Architecture, p.MultiArch, p.Section, p.Priority, file} {
		b.num(b.value(s))
	}
	if flags&ownVersion == 0 {
		b.num(b.value(p.SourceVersion))
	}
	b.num(uint64(p.InstalledSize))
	b.num(uint64(p.Size))
	if flags&hasSHA256 != 0 {
		b.records = append(b.records, sum...)
	} else {
		b.num(b.value(p.SHA256))
	}
	for _, field := range fields(p) {
		if len(*field) > 0 {
			b.addField(*field)
		}
	}
}

func (b *builder) addField(field deb.Relations) {
	b.num(uint64(len(field)))
	for _, d := range field {
		if len(d) == 0 {
			panic("bug: a dependency without an alternative")
		}
		for i := range d {
			b.addRelation(&d[i], i+1 < len(d))
		}
	}
}

func (b *builder) addRelation(r *deb.Relation, more bool) {
	flags, ok := b.operatorOf[r.Op]
	if !ok {
		panic("bug: a relation with the operator " + r.Op)
	}
	if r.Qualifier != "" {
		flags |= hasQualifier
	}
	if len(r.Architectures) > 0 || len(r.Profiles) > 0 {
		flags |= hasRestrictions
	}
	name := 4 * uint64(b.nameOf[r.Name])
	if more {
		name += alternative
	}
	if flags == 0 {
		b.num(name)
		return
	}
	b.num(name + detailed)
	b.num(flags)
	if r.Op != "" {
		b.num(b.value(r.Version))
	}
	if r.Qualifier != "" {
		b.num(b.value(r.Qualifier))
	}
	if flags&hasRestrictions != 0 {
		b.addValues(r.Architectures)
		b.num(uint64(len(r.Profiles)))
		for _, formula := range r.Profiles {
			b.addValues(formula)
		}
	}
}

func (b *builder) addValues(list []string) {
	b.num(uint64(len(list)))
	for _, s := range list {
		b.num(b.value(s))
	}
}

func (b *builder) num(n uint64) { b.records = binary.AppendUvarint(b.records, n) }
