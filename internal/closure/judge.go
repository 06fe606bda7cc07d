package closure

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Policy says which findings stop a build.
type Policy struct {
	Accept []Acceptance
	Strict []Kind // of these all do; of the others, those that are Certain
}

// Acceptance is a pattern of findings that are as they should be.
type Acceptance struct {
	Path    string // pattern of Finding.Path
	Missing string // pattern of Finding.Missing; empty: any
}

// Verdict sorts findings, each list in their order.
type Verdict struct {
	Errors   []Finding
	Notes    []Finding
	Accepted []Accepted
	Unused   []int // of Policy.Accept: those that no finding answers to
}

// Accepted is a finding and the number of the first Acceptance that it answers to.
type Accepted struct {
	Finding
	By int
}

// Judge applies a policy.
func Judge(findings []Finding, p Policy) Verdict {
	var v Verdict
	hits := make([]bool, len(p.Accept))
	for _, f := range findings {
		by := -1
		for i, a := range p.Accept {
			if a.matches(f) {
				hits[i] = true
				if by < 0 {
					by = i
				}
			}
		}
		switch {
		case by >= 0:
			v.Accepted = append(v.Accepted, Accepted{f, by})
		case f.Certain() || slices.Contains(p.Strict, f.Kind):
			v.Errors = append(v.Errors, f)
		default:
			v.Notes = append(v.Notes, f)
		}
	}
	for i, hit := range hits {
		if !hit {
			v.Unused = append(v.Unused, i)
		}
	}
	return v
}

func (a Acceptance) matches(f Finding) bool {
	if !doublestar.MatchUnvalidated(a.Path, f.Path) {
		return false
	}
	return a.Missing == "" || a.Missing == f.Missing || doublestar.MatchUnvalidated(strings.TrimPrefix(a.Missing, "/"), strings.TrimPrefix(f.Missing, "/"))
}
