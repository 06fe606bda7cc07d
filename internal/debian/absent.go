package debian

import (
	"cmp"
	"fmt"
	"slices"

	"kiln/internal/bake"
	"kiln/internal/deb"
)

// ReasonKind says in what way something bears on a package that is not in an image.
type ReasonKind string

// The kinds, in the order in which reasons are told.
const (
	Without     ReasonKind = "without"     // the recipe does not follow this dependency
	Alternative ReasonKind = "alternative" // a dependency would take it, and takes another
	Provided    ReasonKind = "provided"    // a package of the image provides the name
	RuledOut    ReasonKind = "ruled-out"   // a package of the image does not go with it
	Essential   ReasonKind = "essential"   // it is marked so, and the recipe does not ask for such
	Recommended ReasonKind = "recommended" // kiln follows no recommendation
	Suggested   ReasonKind = "suggested"   // and no suggestion
)

// Reason is one thing that bears on a package that is not in an image.
type Reason struct {
	Kind     ReasonKind `json:"kind"`
	Package  string     `json:"package,omitempty"`  // of the image, whose field it is
	Field    string     `json:"field,omitempty"`    // "Depends"
	Relation string     `json:"relation,omitempty"` // the part of the field: "debconf (>= 0.5) | debconf-2.0"
	Chosen   []string   `json:"chosen,omitempty"`   // packages of the image that this dependency takes
	Recipe   string     `json:"-"`                  // where the recipe says it: "layers[base].packages[0].without.x"
	Why      string     `json:"-"`                  // its reason
}

// Absent tells what of an image bears on a package that is not in it: all that its
// packages say of the name, or of others that it goes by.
func Absent(e *bake.Explanation, name string, provides []string) []Reason {
	a := absence{e: e, names: append([]string{name}, provides...), provided: map[string][]version{}}
	a.arch, _ = deb.Architecture(e.Platform)
	for i := range e.Packages {
		p := &e.Packages[i]
		a.provide(p.ID.Name, version{p.Name, p.ID.Version})
		for _, d := range relationsOf(p, "Provides") {
			a.provide(d[0].Name, version{p.Name, d[0].Version})
		}
	}
	for _, v := range a.provided[name] {
		a.reasons = append(a.reasons, Reason{Kind: Provided, Package: v.by, Field: "Provides", Relation: name})
	}
	for i := range e.Packages {
		a.ask(&e.Packages[i])
	}
	slices.SortStableFunc(a.reasons, func(x, y Reason) int {
		return cmp.Or(cmp.Compare(slices.Index(reasonKinds(), x.Kind), slices.Index(reasonKinds(), y.Kind)), cmp.Compare(x.Package, y.Package))
	})
	return a.reasons
}

func reasonKinds() []ReasonKind {
	return []ReasonKind{Without, Alternative, Provided, RuledOut, Essential, Recommended, Suggested}
}

// absence is one run of Absent.
type absence struct {
	e        *bake.Explanation
	arch     string
	names    []string             // that the package goes by
	provided map[string][]version // by name, who has it in the image
	reasons  []Reason
}

// version is a package of the image and in which version it has a name; empty where a
// Provides gives none.
type version struct{ by, text string }

func (a *absence) provide(name string, v version) { a.provided[name] = append(a.provided[name], v) }

// relationsOf reads a field of a package. One that nobody can read names nothing.
func relationsOf(p *bake.Package, field string) deb.Relations {
	for _, r := range p.Relations {
		if r.Field == field {
			list, _ := deb.ParseRelations(r.Text)
			return list
		}
	}
	return nil
}

// ask looks at all that a package of the image says of the names.
func (a *absence) ask(p *bake.Package) {
	for _, field := range []string{"Pre-Depends", "Depends"} {
		for _, d := range relationsOf(p, field) {
			if a.mentions(d) {
				a.dependency(p, field, d)
			}
		}
	}
	for _, f := range []struct {
		field string
		kind  ReasonKind
	}{{"Breaks", RuledOut}, {"Conflicts", RuledOut}, {"Recommends", Recommended}, {"Suggests", Suggested}} {
		for _, d := range relationsOf(p, f.field) {
			if a.mentions(d) && (f.kind != RuledOut || d[0].Name == a.names[0]) {
				a.reasons = append(a.reasons, Reason{Kind: f.kind, Package: p.Name, Field: f.field, Relation: d.String()})
			}
		}
	}
}

func (a *absence) mentions(d deb.Dependency) bool {
	return slices.ContainsFunc(d, func(r deb.Relation) bool { return slices.Contains(a.names, r.Name) && r.AppliesTo(a.arch) })
}

// dependency tells what became of a dependency that could have taken the package.
func (a *absence) dependency(p *bake.Package, field string, d deb.Dependency) {
	r := Reason{Kind: Alternative, Package: p.Name, Field: field, Relation: d.String()}
	for _, alternative := range d {
		for _, v := range a.provided[alternative.Name] {
			fits := alternative.Op == "" || v.text != "" && alternative.SatisfiedBy(v.text)
			if fits && !slices.Contains(r.Chosen, v.by) {
				r.Chosen = append(r.Chosen, v.by)
			}
		}
	}
	if part, why, ok := a.without(p, d); ok {
		r.Kind, r.Recipe, r.Why = Without, part, why
	}
	if r.Kind == Without || len(r.Chosen) > 0 {
		a.reasons = append(a.reasons, r)
	}
}

// without finds where the recipe says that a dependency of a package is not followed.
func (a *absence) without(p *bake.Package, d deb.Dependency) (part, why string, ok bool) {
	for _, l := range a.e.Recipe.Layers {
		for i, w := range l.Packages {
			at := fmt.Sprintf("layers[%s].packages[%d]", l.Name, i)
			if p.Recipe != at {
				continue
			}
			for _, alternative := range d {
				if why, ok := w.Without[alternative.Name]; ok {
					return at + ".without." + alternative.Name, why, true
				}
			}
		}
	}
	return "", "", false
}
