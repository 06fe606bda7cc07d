package resolve

import "context"

// Uninstallable returns the candidates of the native architecture (all
// included) that no valid set holds, each looked at alone, in the order of
// name. It is much cheaper than resolving each: what one candidate teaches, and
// every set that is found, serves the next ones.
func (ix *Index) Uninstallable(ctx context.Context, arch string) ([]Candidate, error) {
	s := newSearch(newWorld(ix, Request{Arch: arch}))
	good := make([]bool, ix.len())
	var list []Candidate
	for _, name := range ix.names() {
		for _, c := range s.w.named(name) {
			if good[c] || !s.w.usable(c) {
				continue
			}
			ok, err := s.alone(ctx, c)
			if err != nil {
				return nil, err
			}
			if !ok {
				list = append(list, *s.w.at(c))
				continue
			}
			for v, walk := range s.visited {
				if walk == s.walk {
					good[s.cand[v]] = true
				}
			}
		}
	}
	return list, nil
}

// alone says whether there is a set with c. What it learns stays true for the
// next candidate, because every clause holds whatever is wanted.
func (s *search) alone(ctx context.Context, c int32) (bool, error) {
	s.undo(0)
	v := s.variableOf(c)
	s.roots = []root{{by: []int32{c}}}
	if _, err := s.run(ctx); err != nil {
		return false, err
	}
	return s.value[v] == 1, nil
}
