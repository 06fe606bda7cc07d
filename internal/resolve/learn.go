package resolve

// learn turns a contradiction into a new clause (first unique implication
// point), takes back the decisions that it refutes, and asserts it. It returns
// false where there is nothing to take back: the problem has no solution.
func (s *sat) learn(bad int32) bool {
	if s.depth() == 0 {
		return false
	}
	c := s.analyze(bad)
	back := int32(0)
	for _, l := range c.lits[1:] {
		back = max(back, s.level[l.v()])
	}
	s.undo(back)
	s.add(c)
	return true
}

// analyze resolves the contradiction backwards along the trail until one
// literal of the present level is left; that one comes first.
func (s *sat) analyze(bad int32) clause {
	c := clause{lits: make([]lit, 1), rule: rule{kind: ruleLearned}}
	open, at := 0, len(s.trail)
	resolved := int32(-1) // the variable that the clause at hand forced
	for id := bad; ; {
		c.from = append(c.from, id)
		for _, l := range s.clauses[id].lits {
			v := l.v()
			switch {
			case s.seen[v], v == resolved:
			case s.level[v] == s.depth():
				s.seen[v] = true
				open++
			case s.level[v] > 0:
				s.seen[v] = true
				c.lits = append(c.lits, l)
			default:
				c.from = append(c.from, s.reason[v])
			}
		}
		for at--; !s.seen[s.trail[at].v()] || s.level[s.trail[at].v()] != s.depth(); at-- {
		}
		l := s.trail[at]
		s.seen[l.v()] = false
		if open--; open == 0 {
			c.lits[0] = l.not()
			break
		}
		id, resolved = s.reason[l.v()], l.v()
	}
	for _, l := range c.lits {
		s.seen[l.v()] = false
	}
	return c
}

// undo takes back all above a decision level.
func (s *sat) undo(level int32) {
	if s.depth() <= level {
		return
	}
	from := s.limits[level]
	for _, l := range s.trail[from:] {
		s.value[l.v()] = 0
	}
	s.trail = s.trail[:from]
	s.limits = s.limits[:level]
	s.head = min(s.head, int(from))
}

// origins returns the rules that a contradiction without any decision rests
// on, as clauses, sorted by their number.
func (s *sat) origins(bad int32) []int32 {
	reached := make([]bool, len(s.clauses))
	queue := []int32{bad}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if id == noClause || reached[id] {
			continue
		}
		reached[id] = true
		queue = append(queue, s.clauses[id].from...)
		for _, l := range s.clauses[id].lits {
			if v := l.v(); s.value[v] != 0 && s.level[v] == 0 {
				queue = append(queue, s.reason[v])
			}
		}
	}
	var list []int32
	for id, ok := range reached {
		if ok && s.clauses[id].rule.kind != ruleLearned {
			list = append(list, int32(id))
		}
	}
	return list
}
