package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crillab/gophersat/solver"

	"kiln/internal/deb"
)

// explain turns the proof that there is no set into a tree.
func (s *search) explain() *Failure {
	e := &explainer{search: s, core: s.smallest(s.origins(s.conflict)), told: map[int32]bool{}}
	f := &Failure{Arch: s.w.req.Arch}
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

// smallest drops rules from a contradiction as long as it stays one, larger and
// later pieces first. An independent solver is the judge of that.
func (s *search) smallest(core []int32) []int32 {
	if !s.contradicts(core) {
		panic("bug: the proof that the packages can not be resolved does not hold")
	}
	for size := len(core); size > 0; size /= 2 {
		for end := len(core); end > 0; end -= size {
			start := max(end-size, 0)
			rest := slices.Concat(core[:start], core[end:])
			if s.contradicts(rest) {
				core = rest
			}
		}
	}
	return core
}

func (s *search) contradicts(ids []int32) bool {
	numbers := map[int32]int{}
	var problem [][]int
	for _, id := range ids {
		var ints []int
		for _, l := range s.clauses[id].lits {
			n, ok := numbers[l.v()]
			if !ok {
				n = len(numbers) + 1
				numbers[l.v()] = n
			}
			if !l.positive() {
				n = -n
			}
			ints = append(ints, n)
		}
		problem = append(problem, ints)
	}
	return len(problem) > 0 && solver.New(solver.ParseSlice(problem)).Solve() == solver.Unsat
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
	for _, l := range slices.SortedFunc(slices.Values(lits), func(a, b lit) int { return int(e.cand[a.v()] - e.cand[b.v()]) }) {
		if l.positive() {
			list = append(list, e.candidate(l.v())...)
		}
	}
	return merge(list)
}

// candidate explains why the candidate of v can not be.
func (e *explainer) candidate(v int32) []Problem {
	p := Problem{Text: e.w.full(e.cand[v])}
	for _, id := range e.core {
		c := &e.clauses[id]
		if e.told[id] || !slices.Contains(c.lits, neg(v)) {
			continue
		}
		e.told[id] = true
		if c.rule.kind == ruleDepends {
			p.Because = append(p.Because, e.dependency(c)...)
		} else {
			p.Because = append(p.Because, e.exclusion(c.rule, e.cand[v]))
		}
	}
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

// exclusion tells of a rule between two candidates from the side of one.
func (e *explainer) exclusion(r rule, c int32) Problem {
	other := r.other
	if other == c {
		other = r.subject
	}
	full := e.w.label(other) + " " + e.w.candidates[other].Version
	var text string
	switch {
	case r.kind == ruleVersion:
		text = "excludes " + full + ", another version of the same package"
	case r.kind == ruleMultiArch:
		text = "can not be installed beside " + full + ", another architecture of the same package"
	case r.subject == c:
		text = fmt.Sprintf("has %s: %s, which rules out %s", r.field, describe(r.dependency), full)
	default:
		text = fmt.Sprintf("is ruled out by %s (%s: %s)", full, r.field, describe(r.dependency))
	}
	p := Problem{Text: text}
	if why := e.chain(other); why != "" {
		p.Text += "; " + why
	}
	return p
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

func (w *world) rootText(r rule) string {
	if r.kind == ruleEssential {
		return w.label(r.subject) + " is essential"
	}
	if r.want.Place == "" {
		return r.want.String() + " is wanted"
	}
	return r.want.Place + " wants " + r.want.String()
}

// full is a candidate's name, version and archive.
func (w *world) full(c int32) string {
	p := &w.candidates[c]
	text := w.label(c) + " " + p.Version
	if p.Archive != "" {
		text += " (" + p.Archive + ")"
	}
	return text
}

// describe writes a dependency as a control file does.
func describe(d deb.Dependency) string {
	var parts []string
	for _, r := range d {
		text := r.Name
		if r.Qualifier != "" {
			text += ":" + r.Qualifier
		}
		if r.Op != "" {
			text += " (" + r.Op + " " + r.Version + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " | ")
}

// lack says what there is instead of something that would satisfy d.
func (w *world) lack(d deb.Dependency) string {
	var parts []string
	for _, r := range d {
		switch list := w.rank(r.Name); {
		case len(list) > 0:
			parts = append(parts, "is available as "+w.available(list))
		case w.forbidden(r.Name):
			parts = append(parts, "has a negative priority")
		case len(w.provided[r.Name]) > 0:
			parts = append(parts, "is only provided by "+strings.Join(w.providerNames(r.Name), ", "))
		default:
			parts = append(parts, "no source has")
		}
	}
	return strings.Join(slices.Compact(parts), "; ")
}

func (w *world) lackHints(d deb.Dependency) []string {
	for _, r := range d {
		if len(w.rank(r.Name)) > 0 || len(w.provided[r.Name]) > 0 {
			return nil
		}
	}
	return []string{fmt.Sprintf("add the source or the component that has %s", describe(d))}
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
