package resolve

import (
	"slices"

	"kiln/internal/deb"
)

// ruleKind says what a clause stands for.
type ruleKind uint8

const (
	ruleWant      ruleKind = iota // one of the candidates of a want
	ruleEssential                 // one of the candidates of an essential package
	ruleDepends                   // subject needs one of the rest
	ruleConflict                  // subject rejects other
	ruleVersion                   // subject and other are versions of one package
	ruleMultiArch                 // subject and other are not co-installable architectures of one package
	ruleLearned                   // follows from others
)

// rule is a clause's meaning, for explanations.
type rule struct {
	kind           ruleKind
	subject, other int32          // candidates
	field          string         // of ruleDepends, ruleConflict: "Depends", "Breaks"
	dependency     deb.Dependency // of ruleDepends, ruleConflict
	want           *Want          // of ruleWant
}

// needs returns the candidate's dependencies with what satisfies each, less
// those that the request leaves out and those that it satisfies itself.
func (w *world) needs(c int32) []need {
	list, ok := w.needed[c]
	if !ok {
		list = w.findNeeds(c)
		w.needed[c] = list
	}
	return list
}

func (w *world) findNeeds(c int32) []need {
	p := w.at(c)
	var list []need
	add := func(field string, relations deb.Relations) {
		for _, d := range relations {
			if !w.leftOut(c, d) {
				if n := w.need(c, field, d); !slices.Contains(n.by, c) {
					list = append(list, n)
				}
			}
		}
	}
	add("Pre-Depends", p.PreDepends)
	add("Depends", p.Depends)
	return list
}

// need is one dependency of a candidate.
type need struct {
	field      string
	dependency deb.Dependency
	by         []int32 // candidates that satisfy it, the preferred first
}

func (w *world) leftOut(c int32, d deb.Dependency) bool {
	names := w.without[w.key(c)]
	if len(names) == 0 && len(w.req.Without) == 0 {
		return false
	}
	return slices.ContainsFunc(d, func(r deb.Relation) bool {
		return slices.Contains(names, r.Name) || slices.Contains(w.req.Without, r.Name)
	})
}

// need collects the satisfiers of all alternatives in order. Those that apt
// would not look at (older versions) come after all that it would.
func (w *world) need(c int32, field string, d deb.Dependency) need {
	n := need{field: field, dependency: d}
	for _, r := range d {
		for _, s := range w.satisfiers(r, w.arch(c)) {
			if !slices.Contains(n.by, s) {
				n.by = append(n.by, s)
			}
		}
	}
	if len(n.by) > 1 {
		w.preferFavourites(n.by)
	}
	return n
}

func (w *world) preferFavourites(list []int32) {
	slices.SortStableFunc(list, func(a, b int32) int {
		if o := trueFirst(w.pinned(a), w.pinned(b)); o != 0 {
			return o
		}
		return trueFirst(w.favourite(a), w.favourite(b))
	})
}

// rejections returns what c excludes, each as a rule with c as subject.
func (w *world) rejections(c int32) []rule {
	list, ok := w.rejected[c]
	if !ok {
		list = w.findRejections(c)
		w.rejected[c] = list
	}
	return list
}

func (w *world) findRejections(c int32) []rule {
	p := w.at(c)
	list := w.siblings(c)
	add := func(field string, relations deb.Relations) {
		for _, d := range relations {
			for _, r := range d {
				for _, other := range w.conflicting(c, r) {
					list = append(list, rule{kind: ruleConflict, subject: c, other: other, field: field, dependency: deb.Dependency{r}})
				}
			}
		}
	}
	add("Conflicts", p.Conflicts)
	add("Breaks", p.Breaks)
	return list
}

// siblings are the other versions and architectures of c's package that can
// not stand beside it.
func (w *world) siblings(c int32) []rule {
	p := w.at(c)
	var list []rule
	for _, other := range w.rank(p.Name) {
		q := w.at(other)
		switch {
		case other == c:
		case w.arch(other) == w.arch(c):
			list = append(list, rule{kind: ruleVersion, subject: c, other: other})
		case p.MultiArch != "same" || q.MultiArch != "same" || deb.Compare(p.Version, q.Version) != 0:
			list = append(list, rule{kind: ruleMultiArch, subject: c, other: other})
		}
	}
	return list
}

// conflicting returns the candidates that r of c's Conflicts or Breaks names.
// A package never conflicts with itself, be it by its own Provides or as
// another architecture of itself (Policy 7.4). Without a qualifier r names
// every architecture.
func (w *world) conflicting(c int32, r deb.Relation) []int32 {
	p := w.at(c)
	var list []int32
	matches := func(other int32) bool {
		return r.Qualifier == "" || r.Qualifier == "any" || w.arch(other) == w.archOf(r.Qualifier)
	}
	if r.Name != p.Name {
		for _, other := range w.rank(r.Name) {
			if matches(other) && deb.Satisfies(w.at(other).Version, r.Op, r.Version) {
				list = append(list, other)
			}
		}
	}
	for _, v := range w.provided(r.Name) {
		if w.at(v.by).Name != p.Name && w.usable(v.by) && matches(v.by) && provides(v, r) && !slices.Contains(list, v.by) {
			list = append(list, v.by)
		}
	}
	return list
}
