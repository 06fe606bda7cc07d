package deb

import (
	"errors"
	"fmt"
	"strings"
)

// architectures reads "NAME...]": all with a leading "!" or none (Policy 7.1).
func (p *relationParser) architectures(r *Relation) error {
	list, err := p.words(']')
	if err != nil {
		return fmt.Errorf("architecture list of %q: %w", r.Name, err)
	}
	negated := strings.HasPrefix(list[0], "!")
	for _, a := range list {
		if strings.HasPrefix(a, "!") != negated {
			return fmt.Errorf("architecture list of %q mixes names with and without \"!\"", r.Name)
		}
		if !isArchitecture(strings.TrimPrefix(a, "!")) {
			return fmt.Errorf("architecture %q in the list of %q is not valid", a, r.Name)
		}
	}
	r.Architectures = p.internAll(list)
	return nil
}

// profile reads "NAME...>" of one restriction formula.
func (p *relationParser) profile(r *Relation) error {
	list, err := p.words('>')
	if err != nil {
		return fmt.Errorf("build profiles of %q: %w", r.Name, err)
	}
	for _, name := range list {
		if !isProfile(strings.TrimPrefix(name, "!")) {
			return fmt.Errorf("build profile %q of %q is not valid", name, r.Name)
		}
	}
	r.Profiles = append(r.Profiles, p.internAll(list))
	return nil
}

// words reads a bracket's content up to its end, and the space behind it.
func (p *relationParser) words(end byte) ([]string, error) {
	i := strings.IndexByte(p.rest, end)
	if i < 0 {
		return nil, fmt.Errorf("no closing %q", end)
	}
	list := strings.FieldsFunc(p.rest[:i], func(c rune) bool { return c < 0x80 && isSpace(byte(c)) })
	if len(list) == 0 {
		return nil, errors.New("it is empty")
	}
	p.rest = p.rest[i+1:]
	p.space()
	return list, nil
}
