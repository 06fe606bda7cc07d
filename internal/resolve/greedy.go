package resolve

import "slices"

// greedy walks down from the wants as apt's own resolver does, depth first and
// without looking ahead: a dependency that something in the set satisfies by
// then is content, any other takes the first alternative that works out. What
// it picks is what search tries first. It may fail; search then mends it.
type greedy struct {
	w      *world
	in     map[int32]bool
	banned map[int32]int     // by candidate: members that exclude it
	picks  map[int32][]int32 // by member, for each need: the candidate taken for it, or nothing
	order  []int32           // members in order of entry
}

// nothing stands for a need that was met when its turn came.
const nothing int32 = -1

// pick returns the candidates that apt's way takes for each root, and for each
// need of each member.
func (w *world) pick(roots []root) *greedy {
	g := &greedy{w: w, in: map[int32]bool{}, banned: map[int32]int{}, picks: map[int32][]int32{}}
	var first []int32
	for _, r := range roots {
		if !g.meets(r.by) {
			first = append(first, r.by[0])
			g.enter(r.by[0])
		}
	}
	for _, c := range first {
		g.follow(c)
	}
	return g
}

func (g *greedy) meets(by []int32) bool {
	for _, c := range by {
		if g.in[c] {
			return true
		}
	}
	return false
}

func (g *greedy) enter(c int32) {
	g.in[c] = true
	g.order = append(g.order, c)
	for _, r := range g.w.rejections(c) {
		g.banned[r.other]++
	}
}

// take puts c and all that it needs into the set, or leaves the set as it was.
func (g *greedy) take(c int32) bool {
	if g.in[c] {
		return true
	}
	if g.banned[c] > 0 || g.excludesMember(c) {
		return false
	}
	mark := len(g.order)
	g.enter(c)
	if !g.follow(c) {
		g.leave(mark)
		return false
	}
	return true
}

func (g *greedy) excludesMember(c int32) bool {
	for _, r := range g.w.rejections(c) {
		if g.in[r.other] {
			return true
		}
	}
	return false
}

func (g *greedy) follow(c int32) bool {
	needs := g.w.needs(c)
	picks := slices.Repeat([]int32{nothing}, len(needs))
	g.picks[c] = picks
	for i, n := range needs {
		if g.meets(n.by) {
			continue
		}
		for _, by := range n.by {
			if g.w.favourite(by) && g.take(by) {
				picks[i] = by
				break
			}
		}
		if picks[i] == nothing {
			return false
		}
	}
	return true
}

// leave takes back all that entered since mark.
func (g *greedy) leave(mark int) {
	for _, c := range g.order[mark:] {
		delete(g.in, c)
		delete(g.picks, c)
		for _, r := range g.w.rejections(c) {
			g.banned[r.other]--
		}
	}
	g.order = g.order[:mark]
}
