package rootfs

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/recipe"
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
