package resolve

// sat is a satisfiability solver with unit propagation over two watched
// literals, clause learning and backjumping (Eén and Sörensson, "An extensible
// SAT-solver"), whose clauses may arrive while it runs. It decides nothing by
// itself: search does, in its own order. Clauses are never deleted and keep
// what they were learned from, so that a contradiction can be traced back to
// rules.
type sat struct {
	value   []int8    // by variable: 1 true, -1 false, 0 open
	level   []int32   // by variable: decision level of its value
	reason  []int32   // by variable: clause that forced it, or noClause
	grown   []bool    // by variable: its own clauses have been added
	watches [][]int32 // by literal: clauses to look at when it becomes false
	trail   []lit     // in order of assignment
	limits  []int32   // length of trail at each decision
	head    int       // trail up to here is propagated
	clauses []clause
	grow    func(v int32) int32 // adds the clauses of a variable that became true; returns one that contradicts, or noClause
	seen    []bool              // scratch of analyze
}

// lit is a variable doubled, plus one if negated.
type lit int32

func pos(v int32) lit        { return lit(2 * v) }
func neg(v int32) lit        { return lit(2*v + 1) }
func (l lit) v() int32       { return int32(l >> 1) }
func (l lit) not() lit       { return l ^ 1 }
func (l lit) positive() bool { return l&1 == 0 }

// clause holds when one of its literals does.
type clause struct {
	lits []lit
	rule rule
	from []int32 // clauses that a learned one follows from
}

const noClause int32 = -1

func (s *sat) newVariable() int32 {
	v := int32(len(s.value))
	s.value = append(s.value, 0)
	s.level = append(s.level, 0)
	s.reason = append(s.reason, noClause)
	s.grown = append(s.grown, false)
	s.seen = append(s.seen, false)
	s.watches = append(s.watches, nil, nil)
	return v
}

// of returns 1 if l is true, -1 if it is false, 0 if it is open.
func (s *sat) of(l lit) int8 {
	if l.positive() {
		return s.value[l.v()]
	}
	return -s.value[l.v()]
}

func (s *sat) depth() int32 { return int32(len(s.limits)) }

func (s *sat) assign(l lit, because int32) {
	v := l.v()
	s.value[v] = 1
	if !l.positive() {
		s.value[v] = -1
	}
	s.level[v] = s.depth()
	s.reason[v] = because
	s.trail = append(s.trail, l)
}

func (s *sat) decide(l lit) {
	s.limits = append(s.limits, int32(len(s.trail)))
	s.assign(l, noClause)
}

// add adds a clause under the present assignment. It returns the clause if it
// contradicts that, and else noClause. A literal that is false then must not
// have become so after the variable whose clause this is.
func (s *sat) add(c clause) int32 {
	id := int32(len(s.clauses))
	s.clauses = append(s.clauses, c)
	s.watchBest(c.lits)
	if len(c.lits) > 1 {
		s.watches[c.lits[0]] = append(s.watches[c.lits[0]], id)
		s.watches[c.lits[1]] = append(s.watches[c.lits[1]], id)
	}
	if len(c.lits) == 0 || s.of(c.lits[0]) < 0 {
		return id
	}
	if s.of(c.lits[0]) == 0 && (len(c.lits) == 1 || s.of(c.lits[1]) < 0) {
		s.assign(c.lits[0], id)
	}
	return noClause
}

// watchBest moves to the front the two literals that are not false, or else
// became false last.
func (s *sat) watchBest(lits []lit) {
	rank := func(l lit) int32 {
		if s.of(l) >= 0 {
			return 1 << 30
		}
		return s.level[l.v()]
	}
	for place := 0; place < 2 && place < len(lits); place++ {
		best := place
		for i := place + 1; i < len(lits); i++ {
			if rank(lits[i]) > rank(lits[best]) {
				best = i
			}
		}
		lits[place], lits[best] = lits[best], lits[place]
	}
}

// propagate assigns all that follows. It returns a clause that can not hold any
// more, or noClause.
func (s *sat) propagate() int32 {
	for s.head < len(s.trail) {
		l := s.trail[s.head]
		s.head++
		if v := l.v(); l.positive() && !s.grown[v] {
			s.grown[v] = true
			if bad := s.grow(v); bad != noClause {
				return bad
			}
		}
		if bad := s.visit(l.not()); bad != noClause {
			return bad
		}
	}
	return noClause
}

// visit looks at the clauses that watch l, which has become false.
func (s *sat) visit(l lit) int32 {
	list := s.watches[l]
	kept := list[:0]
	for i, id := range list {
		lits := s.clauses[id].lits
		if lits[0] == l {
			lits[0], lits[1] = lits[1], lits[0]
		}
		if s.of(lits[0]) <= 0 && s.rewatch(id, lits) {
			continue
		}
		kept = append(kept, id)
		switch s.of(lits[0]) {
		case -1:
			s.watches[l] = append(kept, list[i+1:]...)
			return id
		case 0:
			s.assign(lits[0], id)
		}
	}
	s.watches[l] = kept
	return noClause
}

// rewatch finds another literal than the second to watch.
func (s *sat) rewatch(id int32, lits []lit) bool {
	for i := 2; i < len(lits); i++ {
		if s.of(lits[i]) >= 0 {
			lits[1], lits[i] = lits[i], lits[1]
			s.watches[lits[1]] = append(s.watches[lits[1]], id)
			return true
		}
	}
	return false
}
