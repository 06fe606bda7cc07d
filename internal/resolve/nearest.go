package resolve

import (
	"cmp"
	"slices"
	"strings"
)

// nearest returns up to three of the sorted names that someone who wrote name
// may have meant: few edits away, or with the same words.
func nearest(name string, names []string) []string {
	const most = 3
	type hit struct {
		name     string
		distance int
	}
	limit := 1 + len(name)/5
	var hits []hit
	for _, n := range names {
		if d := distance(name, n, limit); d <= limit {
			hits = append(hits, hit{n, d})
		} else if len(name) > 3 && (strings.HasPrefix(n, name+"-") || strings.HasSuffix(n, "-"+name)) {
			hits = append(hits, hit{n, limit + 1})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var list []string
	for _, h := range hits[:min(most, len(hits))] {
		list = append(list, h.name)
	}
	return list
}

// distance is Levenshtein's, or any number above limit if it is above.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		best := row[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
			best = min(best, row[j+1])
		}
		if best > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
