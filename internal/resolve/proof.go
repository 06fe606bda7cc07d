package resolve

import (
	"slices"

	"github.com/crillab/gophersat/solver"
)

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
