package lock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"kiln"
)

// Marshal returns the one form of the document: lists sorted, times in UTC and
// whole seconds, two spaces of indent, a line end at the end. A package takes a
// few lines, so that a change of one reads well and merges well.
//
// A field tagged layout:"join" stays on the line of the field before it; where
// the first field of a struct is tagged so, the struct is one line.
func (l *Lock) Marshal() []byte {
	c := l.canonical()
	c.Digest = ""
	text := c.text()
	return slices.Insert(text, bytes.Index(text, afterDigest), digestLine(kiln.DigestOf(text))...)
}

// digestLine is what text prints of the document's digest, where there is one.
func digestLine(d kiln.Digest) []byte { return fmt.Appendf(nil, "\n  \"digest\": %q,", d) }

// afterDigest begins the field behind the digest. No text in a document holds the end
// of a line, so that what is found first is that field.
var afterDigest = []byte("\n  \"archives\": ")

// Text is the document as it was read, but for white space: with the digest that it
// says, or without one. Of a lock that was not read, it is without.
func (l *Lock) Text() []byte { return l.canonical().text() }

// text prints a canonical lock.
func (l *Lock) text() []byte {
	p := &printer{}
	p.Grow(sizeOfPackage * l.packages())
	p.value(reflect.ValueOf(*l), 0)
	p.WriteByte('\n')
	return p.Bytes()
}

// sizeOfPackage is about how many bytes one takes.
const sizeOfPackage = 512

func (l *Lock) packages() int {
	n := 1
	for _, p := range l.Platforms {
		n += len(p.Packages)
	}
	return n
}

type printer struct{ bytes.Buffer }

func (p *printer) line(depth int) { p.WriteString(indents[:1+2*depth]) }

const indents = "\n                " // deeper than any value stands

func (p *printer) value(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			p.text(v.Interface().(time.Time).Format(time.RFC3339))
			return
		}
		p.structure(v, depth)
	case reflect.Pointer:
		p.value(v.Elem(), depth)
	case reflect.Slice:
		p.list(v, depth)
	case reflect.Map:
		p.platforms(v.Interface().(map[kiln.Platform]*Platform), depth)
	case reflect.String:
		p.text(v.String())
	default:
		p.leaf(v.Interface())
	}
}

// text writes a text, most of which JSON has nothing to escape in.
func (p *printer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			p.leaf(s)
			return
		}
	}
	p.WriteByte('"')
	p.WriteString(s)
	p.WriteByte('"')
}

// leaf writes a text or number.
func (p *printer) leaf(v any) {
	enc := json.NewEncoder(p)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("bug: a leaf of the lock does not marshal: " + err.Error())
	}
	p.Truncate(p.Len() - 1)
}

func (p *printer) structure(v reflect.Value, depth int) {
	fields := fieldsOf(v.Type())
	p.WriteByte('{')
	for i, f := range fields {
		if f.omitted && v.Field(i).IsZero() {
			continue
		}
		if i > 0 {
			p.WriteByte(',')
		}
		switch {
		case !f.joined:
			p.line(depth + 1)
		case i > 0:
			p.WriteByte(' ')
		}
		p.WriteString(f.name)
		p.value(v.Field(i), depth+1)
	}
	if !fields[0].joined {
		p.line(depth)
	}
	p.WriteByte('}')
}

// field is how a field of a struct is printed.
type field struct {
	name            string // quoted, with what separates it from its value
	omitted, joined bool   // omitted: where it is empty
}

// fieldsOf are those of a type: a lock has thousands of values of a few types.
var fieldsOf = func() func(reflect.Type) []field {
	var known sync.Map // of []field by reflect.Type
	return func(t reflect.Type) []field {
		if list, ok := known.Load(t); ok {
			return list.([]field)
		}
		var list []field
		for _, f := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			list = append(list, field{name: fmt.Sprintf("%q: ", name), omitted: options == "omitempty", joined: f.Tag.Get("layout") == "join"})
		}
		known.Store(t, list)
		return list
	}
}()

// list writes texts on one line, and anything else one item to a line.
func (p *printer) list(v reflect.Value, depth int) {
	texts := v.Type().Elem().Kind() == reflect.String
	p.WriteByte('[')
	for i := range v.Len() {
		switch {
		case texts && i > 0:
			p.WriteString(", ")
		case !texts && i > 0:
			p.WriteByte(',')
		}
		if !texts {
			p.line(depth + 1)
		}
		p.value(v.Index(i), depth+1)
	}
	if !texts && v.Len() > 0 {
		p.line(depth)
	}
	p.WriteByte(']')
}

func (p *printer) platforms(m map[kiln.Platform]*Platform, depth int) {
	p.WriteByte('{')
	for i, k := range sortedPlatforms(m) {
		if i > 0 {
			p.WriteByte(',')
		}
		p.line(depth + 1)
		p.leaf(k.String())
		p.WriteString(": ")
		p.value(reflect.ValueOf(m[k]), depth+1)
	}
	if len(m) > 0 {
		p.line(depth)
	}
	p.WriteByte('}')
}

func sortedPlatforms(m map[kiln.Platform]*Platform) []kiln.Platform {
	var list []kiln.Platform
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b kiln.Platform) int { return cmp.Compare(a.String(), b.String()) })
	return list
}

// canonical returns a copy with every list sorted and every time in UTC seconds.
func (l *Lock) canonical() *Lock {
	c := &Lock{Format: l.Format, Wants: l.Wants, Digest: l.Digest, Platforms: map[kiln.Platform]*Platform{}}
	for _, a := range l.Archives {
		pockets := slices.Clone(a.Pockets)
		for i := range pockets {
			pockets[i] = pockets[i].canonical()
		}
		slices.SortFunc(pockets, func(a, b Pocket) int { return cmp.Compare(a.Suite, b.Suite) })
		a.Pockets = pockets
		c.Archives = append(c.Archives, a)
	}
	slices.SortFunc(c.Archives, func(a, b Archive) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Suite, b.Suite))
	})
	for k, p := range l.Platforms {
		c.Platforms[k] = p.canonical()
	}
	return c
}

func (p Pocket) canonical() Pocket {
	p.Date = seconds(p.Date)
	for _, t := range []**time.Time{&p.ValidUntil, &p.JudgedAt} {
		if *t != nil {
			s := seconds(**t)
			*t = &s
		}
	}
	p.Signers, p.Indexes = slices.Clone(p.Signers), slices.Clone(p.Indexes)
	slices.SortFunc(p.Signers, func(a, b Signer) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	slices.SortFunc(p.Indexes, func(a, b Index) int { return cmp.Compare(a.Path, b.Path) })
	return p
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func (p *Platform) canonical() *Platform {
	c := &Platform{Packages: sortedPackages(p.Packages)}
	for _, s := range p.Stages {
		c.Stages = append(c.Stages, Stage{s.Name, sortedPackages(s.Packages)})
	}
	slices.SortFunc(c.Stages, func(a, b Stage) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

func sortedPackages(list []Package) []Package {
	list = slices.Clone(list)
	for i := range list {
		list[i].RequiredBy = slices.Clone(list[i].RequiredBy)
		slices.Sort(list[i].RequiredBy)
	}
	slices.SortFunc(list, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture))
	})
	return list
}
