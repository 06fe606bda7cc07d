package rootfs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/spelling"
	"kiln/internal/tree"
)

// unused complains about the patterns that matched nothing: a typo must not
// leave in the image what was to go.
func (a *assembly) unused() error {
	for _, l := range a.layers {
		for _, g := range append(l.drop, l.keep...) {
			if g.hits == 0 {
				return g.unusedError("no package of the layer ships such a path, and no script of theirs makes it", l.there())
			}
		}
		for _, u := range l.units {
			if u.want == nil {
				continue
			}
			for _, g := range append(u.want.drop, u.want.keep...) {
				if g.hits == 0 {
					return g.unusedError(fmt.Sprintf("the package %q ships no such path, and no script makes it", u.ID), u.there())
				}
			}
		}
	}
	return nil
}

// withUnused tells, beside an error about what packages ship, of the first pattern
// that matches nothing of that: what it should have dropped may be what is wrong. It
// may as well be meant for what a script makes, which nobody knows yet.
func (a *assembly) withUnused(err error) error {
	var known, typo *kiln.Error
	if errors.As(err, &known) && errors.As(a.unused(), &typo) {
		text, _, _ := strings.Cut(typo.Text, " matches nothing")
		known.Hints = append([]string{text + " matches nothing that is shipped: see whether it was to leave out one of these"}, append(typo.Hints, known.Hints...)...)
	}
	return err
}

// there lists all that the layer's packages ship and scripts make.
func (l *layer) there() []*place { return append(l.shipped(), l.scripted...) }

// there lists what the package ships and scripts make of it.
func (u *unit) there() []*place {
	all := slices.Clone(u.places)
	for _, p := range u.layer.scripted {
		if p.unit == u {
			all = append(all, p)
		}
	}
	return all
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
		d := spelling.Distance(want[n], names[n])
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

// nearestOf returns the three candidates that are most like s, the likest first.
func nearestOf(s string, candidates []string) []string {
	list := slices.Compact(slices.Sorted(slices.Values(candidates)))
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(spelling.Distance(s, a), spelling.Distance(s, b)) })
	return list[:min(len(list), 3)]
}
