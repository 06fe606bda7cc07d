package rootfs

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// glob is a pattern of the recipe over absolute paths: "*" within a name, "**"
// over any number of them, "{a,b}" and "[...]". A pattern that ends in "/**" also
// matches the folder itself.
type glob struct {
	pattern string
	place   string // in the recipe
	why     string
	origin  string // the same place as Origin writes it
	hits    int
}

func newGlob(pattern, place, origin, why string) (*glob, error) {
	switch {
	case !doublestar.ValidatePattern(pattern):
		return nil, userError("%s: the pattern %q is malformed", place, pattern)
	case !strings.HasPrefix(pattern, "/"):
		return nil, &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("%s: the pattern %q does not start with a slash", place, pattern),
			Hints: []string{fmt.Sprintf("write %q, or %q for any folder", "/"+pattern, "/**/"+pattern)},
		}
	}
	return &glob{pattern: pattern, place: place, origin: origin, why: why}, nil
}

// match tests one path and counts.
func (g *glob) match(path string) bool {
	if !doublestar.MatchUnvalidated(g.pattern, path) {
		return false
	}
	g.hits++
	return true
}

// firstMatch returns the first of globs that matches, and has each that does
// count.
func firstMatch(globs []*glob, path string) *glob {
	var first *glob
	for _, g := range globs {
		if g.match(path) && first == nil {
			first = g
		}
	}
	return first
}

func matchAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if doublestar.MatchUnvalidated(p, path) {
			return true
		}
	}
	return false
}

func (l *layer) readGlobs() (err error) {
	if l.drop, err = l.globs("drop", l.recipe.Drop); err != nil {
		return err
	}
	l.keep, err = l.globs("keep", l.recipe.Keep)
	return err
}

func (l *layer) globs(list string, of []recipe.Glob) ([]*glob, error) {
	var globs []*glob
	for i, r := range of {
		g, err := newGlob(r.Path, l.placeName(list, i), l.origin(list, i), r.Why)
		if err != nil {
			return nil, err
		}
		globs = append(globs, g)
	}
	return globs, nil
}

func (w *want) readGlobs() (err error) {
	if w.drop, err = w.globs("drop", w.Package.Drop); err != nil {
		return err
	}
	w.keep, err = w.globs("keep", w.Package.Keep)
	return err
}

func (w *want) globs(list string, patterns []string) ([]*glob, error) {
	var globs []*glob
	for i, p := range patterns {
		place := fmt.Sprintf("%s.%s[%d]", w.place(), list, i)
		g, err := newGlob(p, place, fmt.Sprintf("%s.%s[%d]", w.layer.origin("packages", w.index), list, i), w.Why)
		if err != nil {
			return nil, err
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// unused complains about the patterns that matched nothing: a typo must not
// leave in the image what was to go.
func (a *assembly) unused() error {
	for _, l := range a.layers {
		for _, g := range append(l.drop, l.keep...) {
			if g.hits == 0 {
				return g.unusedError("no package of the layer ships such a path", l.shipped())
			}
		}
		for _, u := range l.units {
			if u.want == nil {
				continue
			}
			for _, g := range append(u.want.drop, u.want.keep...) {
				if g.hits == 0 {
					return g.unusedError(fmt.Sprintf("the package %q ships no such path", u.ID), u.places)
				}
			}
		}
	}
	return nil
}

// shipped lists all that the layer's packages ship.
func (l *layer) shipped() []*place {
	var all []*place
	for _, u := range l.units {
		all = append(all, u.places...)
	}
	return all
}

func (g *glob) unusedError(why string, among []*place) error {
	e := userError("%s: the pattern %q matches nothing: %s", g.place, g.pattern, why)
	if near := nearest(g.pattern, among); near != "" {
		e.Hints = []string{fmt.Sprintf("the nearest that there is: %q", near)}
	}
	return e
}

// nearest follows the pattern component by component as long as paths match, and
// returns, of the paths that go furthest, the one whose next name is most alike.
func nearest(pattern string, among []*place) string {
	want := strings.Split(pattern, "/")
	best, depth, distance := "", 0, 0
	for _, p := range among {
		path := tree.Absolute(p.entry.Path)
		names := strings.Split(path, "/")
		n := common(want, names)
		if n >= len(names) || n >= len(want) {
			continue
		}
		d := editDistance(want[n], names[n])
		if best == "" || n > depth || n == depth && d < distance {
			best, depth, distance = strings.Join(names[:n+1], "/"), n, d
		}
	}
	return best
}

// common counts the leading components that match.
func common(patterns, names []string) int {
	n := 0
	for n < len(patterns) && n < len(names) && patterns[n] != "**" && doublestar.MatchUnvalidated(patterns[n], names[n]) {
		n++
	}
	return n
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, last+1, row[j]+1)
		}
	}
	return row[len(b)]
}
