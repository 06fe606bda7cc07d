package maint

import "slices"

// configureQueue sorts packages that are unpacked into the order in which dpkg
// configures them: it takes the first of its queue, and puts it back to the end
// while something that it needs is in the queue. When the whole queue was gone
// through for nothing, it breaks a cycle.
type configureQueue struct {
	graph *graph
	queue []*member
	ready func(*member) bool // configured already
	order []*member
	done  map[*member]bool
}

// configureOrder sorts the packages, which are in the order of dpkg's queue.
func configureOrder(g *graph, queue []*member, ready func(*member) bool) []*member {
	q := &configureQueue{graph: g, queue: slices.Clone(queue), ready: ready, done: map[*member]bool{}}
	vain, breaking := 0, false
	for len(q.queue) > 0 {
		m := q.queue[0]
		q.queue = q.queue[1:]
		if vain++; vain > 2*len(q.queue)+2 {
			breaking, vain = true, 0
		}
		if breaking && q.breakCycle(m, nil, map[*member]bool{}) {
			vain = 0
		}
		if q.mustWait(m) {
			q.queue = append(q.queue, m)
			continue
		}
		vain = 0
		q.done[m] = true
		q.order = append(q.order, m)
	}
	return q.order
}

// mustWait reports whether m must wait for another package of the queue.
func (q *configureQueue) mustWait(m *member) bool {
	for _, n := range q.graph.needs[m] {
		met, waits := false, false
		for i, t := range n.targets {
			switch {
			case q.done[t] || q.ready(t) || n.broken[i]:
				met = true
			case slices.Contains(q.queue, t):
				waits = true
			}
		}
		if waits && !met {
			return true
		}
	}
	return false
}

// step is a dependency on the way that the search for a cycle took.
type step struct {
	member *member
	give   *bool // set to give the dependency up
	before *step
}

// breakCycle looks for a cycle that m is on or leads to, and gives up one
// dependency of it: that of a package that has no postinst, since configuring it
// early has no effect; else that by which the cycle was entered.
func (q *configureQueue) breakCycle(m *member, way *step, done map[*member]bool) bool {
	if done[m] {
		return false
	}
	needs := q.graph.needs[m]
	for i := range needs {
		for j, t := range needs[i].targets {
			if needs[i].broken[j] {
				continue
			}
			here := &step{member: m, give: &needs[i].broken[j], before: way}
			if q.breakAt(here, way, t, done) {
				return true
			}
		}
	}
	done[m] = true
	return false
}

func (q *configureQueue) breakAt(here, way *step, target *member, done map[*member]bool) bool {
	at := way
	for at != nil && at.member != target {
		at = at.before
	}
	if at == nil {
		return q.breakCycle(target, here, done)
	}
	at = here
	for at == here || at.member != target {
		if _, ok := at.member.file("postinst"); !ok {
			break
		}
		at = at.before
	}
	*at.give = true
	return true
}

// hashOrder sorts packages as dpkg meets them when it is asked to configure all
// that are pending: in the order of the buckets of its table of names.
func hashOrder(list []*member) []*member {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(x, y *member) int { return bucket(x.ID.Name) - bucket(y.ID.Name) })
	return sorted
}

// bucket is the bucket of a name: FNV-1a of 32 bits, modulo dpkg's table size.
func bucket(name string) int {
	const offset, prime, buckets = 2166136261, 16777619, 65521
	h := uint32(offset)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * prime
	}
	return int(h % buckets)
}
