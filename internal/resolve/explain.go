package resolve

import (
	"fmt"
	"slices"
	"strings"
)

// explain turns the proof that there is no set into a tree.
func (s *search) explain() *Failure {
	e := &explainer{search: s, core: s.smallest(s.origins(s.conflict)), told: map[int32]bool{}}
	f := &Failure{Arch: s.w.req.Arch, Remedy: e.remedy()}
	for _, id := range e.core {
		c := &s.clauses[id]
		if c.rule.kind != ruleWant && c.rule.kind != ruleEssential {
			continue
		}
		p := Problem{Text: s.w.rootText(c.rule), Because: e.candidates(c.lits)}
		if len(p.Because) > 0 {
			f.Problems = append(f.Problems, p)
		}
	}
	return f
}

// explainer tells each rule of a contradiction once.
type explainer struct {
	*search
	core []int32
	told map[int32]bool // by clause
}

// candidates explains for each candidate of a clause why it can not be.
func (e *explainer) candidates(lits []lit) []Problem {
	var list []Problem
	for _, l := range slices.SortedFunc(slices.Values(lits), func(a, b lit) int { return e.w.order(e.cand[a.v()], e.cand[b.v()]) }) {
		if l.positive() {
			list = append(list, e.candidate(l.v())...)
		}
	}
	return merge(list)
}

// candidate explains why the candidate of v can not be.
func (e *explainer) candidate(v int32) []Problem {
	p := Problem{Text: e.w.full(e.cand[v])}
	var exclusions []exclusion
	for _, id := range e.core {
		c := &e.clauses[id]
		if e.told[id] || !slices.Contains(c.lits, neg(v)) {
			continue
		}
		e.told[id] = true
		if c.rule.kind == ruleDepends {
			p.Because = append(p.Because, e.dependency(c)...)
		} else {
			exclusions = append(exclusions, e.exclusion(c.rule, e.cand[v]))
		}
	}
	p.Because = append(p.Because, sentences(exclusions)...)
	if len(p.Because) == 0 {
		return nil
	}
	return []Problem{p}
}

// dependency explains why a dependency can not be satisfied; in no words where
// all that there is to say has been said from another side.
func (e *explainer) dependency(c *clause) []Problem {
	p := Problem{Text: "needs " + describe(c.rule.dependency)}
	if len(c.lits) == 1 {
		p.Text += ", which " + e.w.lack(c.rule.dependency)
		p.Hints = e.w.lackHints(c.rule.dependency)
		return []Problem{p}
	}
	if p.Because = e.candidates(c.lits); len(p.Because) == 0 {
		return nil
	}
	return []Problem{p}
}

// exclusion is a sentence about a candidate that another rules out, in three
// parts, so that sentences about several others can be made one.
type exclusion struct{ before, other, after string }

// exclusion tells of a rule between two candidates from the side of one.
func (e *explainer) exclusion(r rule, c int32) exclusion {
	other := r.other
	if other == c {
		other = r.subject
	}
	x := exclusion{other: e.w.label(other) + " " + e.w.at(other).Version}
	switch {
	case r.kind == ruleVersion:
		x.before, x.after = "excludes ", ", another version of the same package"
	case r.kind == ruleMultiArch:
		x.before, x.after = "can not be installed beside ", ", another architecture of the same package"
	case r.subject == c:
		x.before = fmt.Sprintf("has %s: %s, which rules out ", r.field, describe(r.dependency))
	default:
		x.before, x.after = "is ruled out by ", fmt.Sprintf(" (%s: %s)", r.field, describe(r.dependency))
	}
	if why := e.chain(other); why != "" {
		x.after += "; " + why
	}
	return x
}

func sentences(list []exclusion) []Problem {
	var problems []Problem
	for i, x := range list {
		if i > 0 && x.before == list[i-1].before && x.after == list[i-1].after {
			text := &problems[len(problems)-1].Text
			*text = strings.TrimSuffix(*text, x.after) + ", " + x.other + x.after
			continue
		}
		problems = append(problems, Problem{Text: x.before + x.other + x.after})
	}
	return problems
}

// chain says in one line who asks for a candidate: the shortest way to it from
// a want through the rules of the contradiction.
func (e *explainer) chain(c int32) string {
	var steps []string
	seen := map[int32]bool{c: true}
	for at := c; ; {
		id := e.asker(at, seen)
		if id == noClause {
			break
		}
		r := e.clauses[id].rule
		if r.kind != ruleDepends {
			steps = append(steps, e.w.rootText(r))
			break
		}
		steps = append(steps, e.w.label(r.subject)+" needs "+describe(r.dependency))
		at = r.subject
		seen[at] = true
	}
	slices.Reverse(steps)
	return strings.Join(steps, ", ")
}

// asker finds the rule of the contradiction that asks for a candidate; a want
// before a dependency.
func (e *explainer) asker(c int32, seen map[int32]bool) int32 {
	found := noClause
	for _, id := range e.core {
		cl := &e.clauses[id]
		switch {
		case !slices.Contains(cl.lits, pos(e.variable[c]-1)):
		case cl.rule.kind != ruleDepends:
			return id
		case found == noClause && !seen[cl.rule.subject]:
			found = id
		}
	}
	return found
}

// merge joins neighbours that differ in nothing but their candidate.
func merge(list []Problem) []Problem {
	var merged []Problem
	for _, p := range list {
		if last := len(merged) - 1; last >= 0 && same(merged[last].Because, p.Because) {
			merged[last].Text += ", " + p.Text
			continue
		}
		merged = append(merged, p)
	}
	return merged
}

func same(a, b []Problem) bool {
	return slices.EqualFunc(a, b, func(p, q Problem) bool { return p.Text == q.Text && same(p.Because, q.Because) })
}

// remedy says which wants of the contradiction are at odds.
func (e *explainer) remedy() string {
	var names []string
	for _, id := range e.core {
		if r := e.clauses[id].rule; r.kind == ruleWant {
			names = append(names, r.want.String())
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 2 {
		return ""
	}
	return fmt.Sprintf("take out one of %s: they can not be in one image", strings.Join(names, ", "))
}
