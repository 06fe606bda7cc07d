package resolve

import (
	"cmp"
	"slices"
	"strings"

	"kiln/internal/spelling"
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
		if d := spelling.Within(name, n, limit); d <= limit {
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
