package deb

import (
	"fmt"
	"slices"
	"strings"
)

// ParseRelations reads a relationship field (Debian Policy 7.1). The result
// holds substrings of s. As in dpkg, the obsolete operators "<" and ">" mean
// "<=" and ">=", a version without operator means "=", and the empty field has
// no relations; an empty element is an error.
func ParseRelations(s string) (Relations, error) {
	var p relationParser
	return p.parse(s)
}

// relationParser cuts what it returns from slabs, which is what makes reading an
// index of 70,000 packages quick. Parsed relations may be kept; their slices
// have no spare capacity.
type relationParser struct {
	rest         string
	relations    []Relation
	dependencies []Dependency
	names        map[string]string // one copy of each string that is kept; nil to keep substrings of the input
}

const (
	relationSlab   = 512
	dependencySlab = 1024
	leastSlab      = 8
)

func (p *relationParser) parse(s string) (Relations, error) {
	p.rest = s
	p.space()
	if p.rest == "" {
		return nil, nil
	}
	list, err := p.list()
	if err != nil {
		return nil, fmt.Errorf("cannot read the relationship field %q: %w", excerpt(s), err)
	}
	return list, nil
}

// list reads dependencies to the end. They are gathered on the tail of the slab.
func (p *relationParser) list() (Relations, error) {
	start := len(p.dependencies)
	for {
		d, err := p.dependency()
		if err != nil {
			return nil, err
		}
		p.dependencies, start = push(p.dependencies, start, d, dependencySlab)
		if p.rest == "" {
			return Relations(slices.Clip(p.dependencies[start:])), nil
		}
		p.rest = p.rest[1:] // the comma
		p.space()
	}
}

// dependency reads alternatives up to a comma or the end.
func (p *relationParser) dependency() (Dependency, error) {
	start := len(p.relations)
	for {
		r, err := p.relation()
		if err != nil {
			return nil, err
		}
		p.relations, start = push(p.relations, start, r, relationSlab)
		if p.rest == "" || p.rest[0] == ',' {
			return Dependency(slices.Clip(p.relations[start:])), nil
		}
		if p.rest[0] != '|' {
			return nil, fmt.Errorf("unexpected %q after %q", excerpt(p.rest), r.String())
		}
		p.rest = p.rest[1:]
		p.space()
	}
}

// push appends v to the run that begins at start. Where the slab is full, the
// run moves to a new one, so that what was handed out is never copied again. Slabs
// begin small, for a package by itself, and grow to size for an index.
func push[T any](slab []T, start int, v T, size int) ([]T, int) {
	if len(slab) == cap(slab) {
		run := slab[start:]
		slab = make([]T, 0, max(min(size, 2*cap(slab)), 2*len(run), leastSlab))
		slab = append(slab, run...)
		start = 0
	}
	return append(slab, v), start
}

func (p *relationParser) relation() (r Relation, err error) {
	r.Name = p.intern(p.word(":([<,|"))
	if err := checkName(r.Name); err != nil {
		return r, err
	}
	if p.next(':') {
		r.Qualifier = p.intern(p.word("([<,|"))
		if !isArchitecture(r.Qualifier) {
			return r, fmt.Errorf("architecture qualifier %q of %q is not valid", r.Qualifier, r.Name)
		}
	}
	p.space()
	if p.next('(') {
		if err := p.bound(&r); err != nil {
			return r, err
		}
	}
	if p.next('[') {
		if err := p.architectures(&r); err != nil {
			return r, err
		}
	}
	for p.next('<') {
		if err := p.profile(&r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// bound reads "OP VERSION)".
func (p *relationParser) bound(r *Relation) error {
	p.space()
	var err error
	if r.Op, err = p.operator(); err != nil {
		return fmt.Errorf("%w of %q", err, r.Name)
	}
	p.space()
	r.Version = p.intern(p.word("()"))
	p.space()
	if !p.next(')') {
		return fmt.Errorf("the version bound of %q has no end", r.Name)
	}
	p.space()
	if err := CheckVersion(r.Version); err != nil {
		return fmt.Errorf("bound of %q: %w", r.Name, err)
	}
	return nil
}

func (p *relationParser) operator() (string, error) {
	n := 0
	for n < len(p.rest) && strings.IndexByte("<=>", p.rest[n]) >= 0 {
		n++
	}
	op := p.rest[:n]
	p.rest = p.rest[n:]
	// Constants, not op: that would keep the text of a whole index in memory.
	switch op {
	case "<<":
		return "<<", nil
	case "<=", "<":
		return "<=", nil
	case "=", "":
		return "=", nil
	case ">=", ">":
		return ">=", nil
	case ">>":
		return ">>", nil
	}
	return "", fmt.Errorf("unknown operator %q in the version bound", op)
}

// word reads up to white space or one of the delimiters.
func (p *relationParser) word(delimiters string) string {
	n := 0
	for n < len(p.rest) && !isSpace(p.rest[n]) && strings.IndexByte(delimiters, p.rest[n]) < 0 {
		n++
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

func (p *relationParser) space() {
	for p.rest != "" && isSpace(p.rest[0]) {
		p.rest = p.rest[1:]
	}
}

// next consumes c if it comes next.
func (p *relationParser) next(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *relationParser) intern(s string) string {
	if p.names == nil {
		return s
	}
	if kept, ok := p.names[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	p.names[s] = s
	return s
}

func (p *relationParser) internAll(list []string) []string {
	for i := range list {
		list[i] = p.intern(list[i])
	}
	return list
}

func excerpt(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
