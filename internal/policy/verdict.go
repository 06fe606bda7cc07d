package policy

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"kiln/internal/recipe"
)

// Exception takes something out of a rule.
type Exception struct {
	Path, Package, Item string // patterns; empty: any
	Why                 string
	Until               recipe.Date
}

// matches tells whether the exception is for a finding. Patterns that cannot be read
// were refused with the file that they stand in.
func (e *Exception) matches(f *Finding, g *globs) bool {
	for _, p := range []struct{ pattern, s string }{{e.Path, f.Item}, {e.Package, f.Package}, {e.Item, f.Item}} {
		if p.pattern == "" {
			continue
		}
		re, err := g.compile(p.pattern)
		if err != nil || !re.MatchString(p.s) {
			return false
		}
	}
	return true
}

// holds tells whether the exception has not ended. Where nobody says what day it is,
// one that ends does not hold.
func (e *Exception) holds(now time.Time) bool {
	return e.Until.IsZero() || !now.IsZero() && now.Before(e.Until.AddDate(0, 0, 1))
}

// Named is an exception of whoever uses the policy, for a rule by its name.
type Named struct {
	Rule string
	Exception
}

// Verdict is what counts of a Result: what is denied, what is warned of, what was
// accepted.
type Verdict struct {
	Policy     string    `json:"policy"`
	File       string    `json:"file"`
	Rules      int       `json:"rules"`
	Denied     []Finding `json:"denied"`
	Warned     []Finding `json:"warned"`
	Accepted   []Finding `json:"accepted"`
	More       int       `json:"more,omitempty"` // findings that are denied or warned of and not listed
	DeniedMore bool      `json:"-"`              // some of More are denied
	Unused     []int     `json:"-"`              // exceptions that no finding answers to
}

// OK tells whether nothing is denied.
func (v *Verdict) OK() bool { return len(v.Denied) == 0 && !v.DeniedMore }

// Verdict applies the exceptions of the policy's own rules and those given, as of now.
func (p *Policy) Verdict(res *Result, more []Named, now time.Time) *Verdict {
	v := &Verdict{Policy: p.Name, File: p.File, Rules: len(p.Rules), Denied: []Finding{}, Warned: []Finding{}, Accepted: []Finding{}}
	used := make([]bool, len(more))
	patterns := &globs{}
	own := map[string][]Exception{}
	for _, r := range p.Rules {
		own[r.Name] = r.except
	}
	for _, r := range res.Rules {
		for _, f := range r.Findings {
			accept(&f, own[r.Rule], nil, now, patterns)
			for i := range more {
				if more[i].Rule == r.Rule {
					accept(&f, []Exception{more[i].Exception}, &used[i], now, patterns)
				}
			}
			v.add(f)
		}
		v.More += r.More
		v.DeniedMore = v.DeniedMore || r.More > 0 && r.Severity == deny
	}
	for i := range more {
		if !used[i] {
			v.Unused = append(v.Unused, i)
		}
	}
	return v
}

// accept notes on a finding the first exception that is for it and holds, or that one
// has ended. A rule that could not be worked out is excepted only as a whole.
func accept(f *Finding, list []Exception, used *bool, now time.Time, g *globs) {
	for _, e := range list {
		switch {
		case !e.matches(f, g):
			continue
		case !e.holds(now):
			f.Expired = e.Until.Format(time.DateOnly)
		case f.Accepted == "":
			f.Accepted = e.Why
		}
		if used != nil {
			*used = true
		}
	}
}

func (v *Verdict) add(f Finding) {
	switch {
	case f.Accepted != "":
		f.Expired = ""
		v.Accepted = append(v.Accepted, f)
	case f.Severity == warn:
		v.Warned = append(v.Warned, f)
	default:
		v.Denied = append(v.Denied, f)
	}
}

// String tells a finding to people, over a few lines: what, where, what to change, why.
// What stands in it may come from an image of anybody's making.
func (f Finding) String() string {
	s := fmt.Sprintf("  %s/%s: %s", f.Policy, f.Rule, f.Message)
	if f.Unjudged && f.Item != "" {
		s = fmt.Sprintf("  %s/%s: %s: %s", f.Policy, f.Rule, f.Item, f.Message)
	}
	if f.Package != "" && f.Package != f.Item {
		s += " (of the package " + f.Package + ")"
	}
	if f.Expired != "" {
		s += " (its exception ended on " + f.Expired + ")"
	}
	s = printable(s)
	if f.Fix != "" {
		s += "\n    to change it: " + printable(f.Fix)
	}
	return s + "\n    why: " + printable(f.Why)
}

// printable shows what is no letter, mark or blank by its number, and a line end as a
// blank: a name cannot move a terminal's cursor or forge a line.
func printable(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n':
			b.WriteByte(' ')
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "\\u%04x", c)
		}
	}
	return b.String()
}
