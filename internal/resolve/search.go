package resolve

import (
	"context"
	"slices"
)

// search decides in the order of preference: first the wants, then, walking
// down from them as apt does, what the greedy walk took for each dependency, or
// else, for one that nothing in the set satisfies yet, the first alternative
// that is possible.
type search struct {
	*sat
	w        *world
	variable []int32 // by candidate: its variable plus one, 0 where it has none
	cand     []int32 // by variable
	needs    [][]need
	roots    []root
	first    []int32           // candidates to take before all else
	picks    map[int32][]int32 // by candidate, for each need: what to try first, or nothing
	visited  []uint32          // by variable: the walk that came by last
	walk     uint32
	stack    []frame
	conflict int32 // the contradiction, once there is one that rests on no decision
}

// root is something that the set must hold one of.
type root struct {
	rule
	by []int32 // candidates, the preferred first
}

// frame is a member of the set on the walk, and the dependency to look at next.
type frame struct{ v, next int32 }

func newSearch(w *world) *search {
	s := &search{sat: &sat{}, w: w, variable: make([]int32, w.len()), conflict: noClause}
	s.sat.grow = s.growRules
	return s
}

func (s *search) variableOf(c int32) int32 {
	if s.variable[c] == 0 {
		v := s.newVariable()
		s.variable[c] = v + 1
		s.cand = append(s.cand, c)
		s.needs = append(s.needs, nil)
		s.visited = append(s.visited, 0)
	}
	return s.variable[c] - 1
}

// growRules adds what follows from having the candidate of v in the set. Of
// several contradictions it returns one of a single literal if there is one:
// such a clause is watched by nobody, and takes effect by being learned from.
func (s *search) growRules(v int32) int32 {
	bad := noClause
	c := s.cand[v]
	note := func(id int32) {
		if bad == noClause || id != noClause && len(s.clauses[id].lits) == 1 {
			bad = id
		}
	}
	s.needs[v] = s.w.needs(c)
	for _, n := range s.needs[v] {
		lits := append(make([]lit, 0, len(n.by)+1), neg(v))
		for _, by := range n.by {
			lits = append(lits, pos(s.variableOf(by)))
		}
		note(s.add(clause{lits: lits, rule: rule{kind: ruleDepends, subject: c, field: n.field, dependency: n.dependency}}))
	}
	for _, r := range s.w.rejections(c) {
		note(s.add(clause{lits: []lit{neg(v), neg(s.variableOf(r.other))}, rule: r}))
	}
	return bad
}

// solve searches a set with one member of each root. It returns false where
// there is none; s.conflict then is the proof.
func (s *search) solve(ctx context.Context, roots []root) (bool, error) {
	s.roots = roots
	if s.first = s.w.kept(roots); s.first == nil {
		s.picks = s.w.pick(roots).picks
	}
	for _, r := range roots {
		lits := make([]lit, len(r.by))
		for i, c := range r.by {
			lits[i] = pos(s.variableOf(c))
		}
		if bad := s.add(clause{lits: lits, rule: r.rule}); bad != noClause {
			s.conflict = bad
			return false, nil
		}
	}
	return s.run(ctx)
}

// run makes decisions until nothing is left to decide.
func (s *search) run(ctx context.Context) (bool, error) {
	s.restart()
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if bad := s.propagate(); bad != noClause {
			if !s.learn(bad) {
				s.conflict = bad
				return false, nil
			}
			s.restart()
			continue
		}
		v, ok := s.next()
		if !ok {
			return true, nil
		}
		s.decide(pos(v))
	}
}

func (s *search) restart() {
	s.walk++
	s.stack = s.stack[:0]
}

// next returns the variable to decide for, if something is still to decide.
// All that is forced has been propagated before, so that of a choice only what
// is still possible is left.
func (s *search) next() (int32, bool) {
	for _, c := range s.first {
		if v := s.variableOf(c); s.value[v] == 0 {
			return v, true
		}
	}
	for i := range s.roots {
		if v, open := s.choose(s.roots[i].by); open {
			return v, true
		}
	}
	for i := range s.roots {
		s.enter(s.roots[i].by)
		if v, ok := s.descend(); ok {
			return v, true
		}
	}
	return 0, false
}

// descend continues the walk from where the last decision left it.
func (s *search) descend() (int32, bool) {
	for len(s.stack) > 0 {
		top := &s.stack[len(s.stack)-1]
		needs := s.needs[top.v]
		if int(top.next) == len(needs) {
			s.stack = s.stack[:len(s.stack)-1]
			continue
		}
		by := needs[top.next].by
		if v, open := s.picked(top.v, top.next); open {
			return v, true
		}
		if v, open := s.choose(by); open {
			return v, true
		}
		top.next++
		s.enter(by)
	}
	return 0, false
}

// picked returns what the greedy walk took for a need, while that is possible
// and not yet decided: also where another member satisfies the need by now.
func (s *search) picked(v, need int32) (int32, bool) {
	picks := s.picks[s.cand[v]]
	if len(picks) == 0 || picks[need] == nothing {
		return 0, false
	}
	u := s.variable[picks[need]] - 1
	return u, s.value[u] == 0
}

// choose returns the first possible of the candidates, unless one of them is in
// the set already.
func (s *search) choose(by []int32) (v int32, open bool) {
	v = -1
	for _, c := range by {
		u := s.variable[c] - 1
		switch s.value[u] {
		case 1:
			return 0, false
		case 0:
			if v < 0 {
				v = u
			}
		}
	}
	return v, v >= 0
}

// enter puts those of the candidates on the walk that are in the set and have
// not been there.
func (s *search) enter(by []int32) {
	for _, c := range slices.Backward(by) {
		v := s.variable[c] - 1
		if s.value[v] == 1 && s.visited[v] != s.walk {
			s.visited[v] = s.walk
			s.stack = append(s.stack, frame{v: v})
		}
	}
}
