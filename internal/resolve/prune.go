package resolve

import (
	"cmp"
	"slices"
)

// solution takes what dependencies lead to from the wants and notes who
// requires what.
func (s *search) solution(roots []root) *Solution {
	set := s.reach(roots, nil)
	if s.w.req.Smallest {
		set = s.prune(set, roots)
	}
	requiredBy := s.requiredBy(set, roots)
	var list []int32
	for v := range s.cand {
		if set[v] {
			list = append(list, int32(v))
		}
	}
	slices.SortFunc(list, func(a, b int32) int {
		p, q := s.w.at(s.cand[a]), s.w.at(s.cand[b])
		return cmp.Or(cmp.Compare(p.Name, q.Name), cmp.Compare(p.Architecture, q.Architecture))
	})
	sol := &Solution{Packages: make([]Chosen, 0, len(list))}
	for _, v := range list {
		sol.Packages = append(sol.Packages, Chosen{*s.w.at(s.cand[v]), requiredBy[v]})
	}
	return sol
}

// members is a set of variables that have a value.
type members []bool

// reach returns the members of within (nil: all that the solver has set) that
// dependencies lead to from the roots, or nil where one is not satisfied.
func (s *search) reach(roots []root, within members) members {
	set := make(members, len(s.cand))
	var queue []int32
	enter := func(by []int32) bool {
		found := false
		for _, c := range by {
			v := s.variable[c] - 1
			if s.value[v] != 1 || within != nil && !within[v] {
				continue
			}
			found = true
			if !set[v] {
				set[v] = true
				queue = append(queue, v)
			}
		}
		return found
	}
	for _, r := range roots {
		if !enter(r.by) {
			return nil
		}
	}
	for len(queue) > 0 {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, n := range s.needs[v] {
			if !enter(n.by) {
				return nil
			}
		}
	}
	return set
}

// prune makes the set minimal: no member can go without leaving a dependency
// unsatisfied. Only what shares the satisfying of a dependency with another
// member can be in vain; of these, the less preferred are tried first.
func (s *search) prune(set members, roots []root) members {
	for {
		dropped := false
		for _, v := range s.spare(set, roots) {
			if !set[v] {
				continue
			}
			set[v] = false
			if smaller := s.reach(roots, set); smaller != nil {
				set, dropped = smaller, true
			} else {
				set[v] = true
			}
		}
		if !dropped {
			return set
		}
	}
}

// spare lists the members that satisfy some dependency together with others,
// those from the end of a list of alternatives first.
func (s *search) spare(set members, roots []root) []int32 {
	place := map[int32]int{} // the best place in any list of alternatives
	note := func(by []int32) {
		var in []int32
		for _, c := range by {
			if v := s.variable[c] - 1; set[v] {
				in = append(in, v)
			}
		}
		for i, v := range in {
			if best, ok := place[v]; len(in) > 1 && (!ok || i < best) {
				place[v] = i
			}
		}
	}
	for _, r := range roots {
		note(r.by)
	}
	var list []int32
	for v := range set {
		if set[v] {
			for _, n := range s.needs[v] {
				note(n.by)
			}
		}
	}
	for v := range set {
		if _, ok := place[int32(v)]; ok {
			list = append(list, int32(v))
		}
	}
	slices.SortFunc(list, func(a, b int32) int {
		return cmp.Or(cmp.Compare(place[b], place[a]), s.w.order(s.cand[b], s.cand[a]))
	})
	return list
}

// requiredBy returns for each member the sorted reasons why it is there.
func (s *search) requiredBy(set members, roots []root) [][]string {
	reasons := make([][]string, len(s.cand))
	note := func(by []int32, reason string) {
		for _, c := range by {
			if v := s.variable[c] - 1; set[v] {
				reasons[v] = append(reasons[v], reason)
			}
		}
	}
	for _, r := range roots {
		if r.kind == ruleEssential {
			note(r.by, ByEssential)
		} else {
			note(r.by, cmp.Or(r.want.Reason, ByRecipe))
		}
	}
	for v := range set {
		if set[v] {
			for _, n := range s.needs[v] {
				note(n.by, s.w.label(s.cand[v]))
			}
		}
	}
	for v := range reasons {
		slices.Sort(reasons[v])
		reasons[v] = slices.Compact(reasons[v])
	}
	return reasons
}
