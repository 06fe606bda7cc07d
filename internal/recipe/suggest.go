package recipe

// nearest is Nearest for candidates that the recipe itself may bring: of very many
// only some are looked at.
func nearest(s string, candidates []string) string {
	return Nearest(s, candidates[:min(len(candidates), 200)])
}

// Nearest returns the candidate that s was most likely meant to be, or "". The
// first of equals wins.
func Nearest(s string, candidates []string) string {
	best, bestDistance := "", 3
	for _, c := range candidates {
		limit := min(bestDistance, 1+max(len(s), len(c))/3)
		if d := distance(s, c, limit); d < limit {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, changes and swaps of neighbours
// that turn a into b (optimal string alignment), or returns limit where it is
// plain that there are at least as many.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+changed(a[i-1] != b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func changed(is bool) int {
	if is {
		return 1
	}
	return 0
}
