package deb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParsePackage reads the fields of a binary package's own control file or of one
// stanza of an index. It refuses what dpkg refuses: no name, version or
// architecture, an ill-formed one, alternatives where none may be, Multi-Arch:
// same on architecture all. Provides takes no operator but "=". The fields that
// only an index has are checked where they stand, but need not.
func ParsePackage(p *Paragraph) (*Package, error) {
	b := packageBuilder{}
	pkg := &Package{}
	for _, f := range p.Fields {
		if err := b.set(pkg, f); err != nil {
			return nil, packageError(p, err)
		}
	}
	if err := b.finish(pkg); err != nil {
		return nil, packageError(p, err)
	}
	return pkg, nil
}

func packageError(p *Paragraph, err error) error {
	name, line := p.Get("Package"), ""
	if p.Line > 0 {
		line = " at line " + strconv.Itoa(p.Line)
	}
	return fmt.Errorf("cannot read the package %q%s: %w", excerpt(name), line, err)
}

// packageBuilder fills Packages from fields.
type packageBuilder struct {
	relations relationParser
	fold      []byte
}

// set takes one field. Fields that Package does not hold are passed over.
func (b *packageBuilder) set(p *Package, f Field) (err error) {
	v := f.Value
	switch string(b.lower(f.Name)) {
	case "package":
		p.Name, err = b.relations.intern(v), checkName(v)
	case "version":
		p.Version, err = b.relations.intern(v), CheckVersion(v)
	case "architecture":
		p.Architecture, err = b.relations.intern(v), checkArchitecture(v)
	case "source":
		err = b.setSource(p, v)
	case "multi-arch":
		p.MultiArch, err = b.relations.intern(v), checkMultiArch(v)
	case "section":
		p.Section = b.relations.intern(v)
	case "priority":
		p.Priority = b.relations.intern(v)
	case "essential":
		p.Essential, err = parseYesNo(f)
	case "installed-size":
		p.InstalledSize = sizeOrZero(v)
	default:
		return b.setLong(p, f)
	}
	return err
}

// setLong takes the relationship fields and those of an index.
func (b *packageBuilder) setLong(p *Package, f Field) (err error) {
	v := f.Value
	switch string(b.lower(f.Name)) {
	case "pre-depends":
		p.PreDepends, err = b.parse(f)
	case "depends":
		p.Depends, err = b.parse(f)
	case "recommends":
		p.Recommends, err = b.parse(f)
	case "conflicts":
		p.Conflicts, err = b.parseFlat(f)
	case "breaks":
		p.Breaks, err = b.parseFlat(f)
	case "replaces":
		p.Replaces, err = b.parseFlat(f)
	case "provides":
		p.Provides, err = b.parseProvides(f)
	case "filename":
		p.Filename, err = cleanFilename(v)
	case "sha256":
		p.SHA256, err = cleanSHA256(v)
	case "size":
		p.Size, err = parseSize(v)
	}
	return err
}

// lower returns name in lower case, valid until the next call.
func (b *packageBuilder) lower(name string) []byte {
	b.fold = b.fold[:0]
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.fold = append(b.fold, c)
	}
	return b.fold
}

// finish checks what needs several fields, and fills in defaults.
func (b *packageBuilder) finish(p *Package) error {
	switch {
	case p.Name == "":
		return errors.New("it has no field Package")
	case p.Version == "":
		return errors.New("it has no field Version")
	case p.Architecture == "":
		return errors.New("it has no field Architecture")
	case p.Architecture == "all" && p.MultiArch == "same":
		return errors.New("it is Multi-Arch: same, which architecture \"all\" cannot be")
	}
	if p.Source == "" {
		p.Source = p.Name
	}
	if p.SourceVersion == "" {
		p.SourceVersion = p.Version
	}
	return nil
}

// setSource reads "NAME" or "NAME (VERSION)".
func (b *packageBuilder) setSource(p *Package, v string) error {
	name, rest, versioned := strings.Cut(v, "(")
	name = strings.TrimRight(name, " \t")
	if err := checkName(name); err != nil {
		return fmt.Errorf("field Source: %w", err)
	}
	p.Source = b.relations.intern(name)
	if !versioned {
		return nil
	}
	version, tail, closed := strings.Cut(rest, ")")
	if !closed || tail != "" {
		return fmt.Errorf("field Source: %q is not NAME (VERSION)", excerpt(v))
	}
	version = strings.TrimSpace(version)
	p.SourceVersion = b.relations.intern(version)
	return CheckVersion(version)
}

func (b *packageBuilder) parse(f Field) (Relations, error) {
	rs, err := b.relations.parse(f.Value)
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return rs, nil
}

// parseFlat reads a field that may hold no alternatives (Policy 7.1).
func (b *packageBuilder) parseFlat(f Field) (Relations, error) {
	rs, err := b.parse(f)
	if err != nil {
		return nil, err
	}
	for _, d := range rs {
		if len(d) > 1 {
			return nil, fmt.Errorf("field %s: %q has alternatives, which are not allowed there", f.Name, d.String())
		}
	}
	return rs, nil
}

func (b *packageBuilder) parseProvides(f Field) (Relations, error) {
	rs, err := b.parseFlat(f)
	if err != nil {
		return nil, err
	}
	for _, d := range rs {
		if op := d[0].Op; op != "" && op != "=" {
			return nil, fmt.Errorf("field %s: %q has the operator %q, where only \"=\" is allowed", f.Name, d.String(), op)
		}
	}
	return rs, nil
}
