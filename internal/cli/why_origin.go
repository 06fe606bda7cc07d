package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/harden"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// inquiry is what answers are taken from.
type inquiry struct {
	r       *recipe.Recipe
	e       *bake.Explanation
	config  oci.Config
	offers  offers                   // nil: of an image, whose record has none
	image   string                   // that told of itself; empty: recipe and packages were asked
	nearest string                   // name of a package that is most like the last one of which nothing is known
	unmade  error                    // why there is no image, only packages
	byName  map[string]*bake.Package // as RequiredBy has it
}

func newInquiry(r *recipe.Recipe, e *bake.Explanation) *inquiry {
	q := &inquiry{r: r, e: e, config: e.Config(), byName: map[string]*bake.Package{}}
	for i := range e.Packages {
		q.byName[e.Packages[i].Name] = &e.Packages[i]
	}
	return q
}

// origin is the chain that led to something, from the recipe on. What does not
// apply is not set.
type origin struct {
	Recipe   *recipeLine    `json:"recipe,omitempty"` // that itself made or changed it
	Stage    *madeIn        `json:"stage,omitempty"`  // that the recipe took it from
	Required *chain         `json:"required,omitempty"`
	Package  *lockedPackage `json:"package,omitempty"`
	Script   string         `json:"script,omitempty"`  // and line, that made or last changed it: "passwd.postinst:12"
	Changed  *origin        `json:"changed,omitempty"` // where that is another package's: its chain, with the script
	Rule     *rule          `json:"rule,omitempty"`
}

// recipeLine is a part of the recipe and where it stands.
type recipeLine struct {
	Part string `json:"part"`           // "layers[base].packages[0]"
	Name string `json:"name,omitempty"` // of the package that it asks for
	File string `json:"file"`
	Line int    `json:"line"`
	Why  string `json:"why,omitempty"` // its reason
}

// essentialPart is the part of the recipe that asks for what is marked Essential.
const essentialPart = "essential"

func (l *recipeLine) String() string {
	text := fmt.Sprintf("%s:%d: %s", l.File, l.Line, l.Part)
	if l.Part == essentialPart {
		return text + ": true"
	}
	if l.Name != "" {
		text += fmt.Sprintf(" %q", l.Name)
	}
	if l.Why != "" {
		text += ": " + l.Why
	}
	return text
}

// rule is a rule of kiln's own.
type rule struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// chain leads from a line of the recipe to a package: each of Packages requires
// the next.
type chain struct {
	Recipe   recipeLine `json:"recipe"`
	Packages []string   `json:"packages"`
}

// lockedPackage is a package and what vouches for it.
type lockedPackage struct {
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	Architecture string      `json:"architecture"`
	Layer        string      `json:"layer,omitempty"`
	Archive      string      `json:"archive"` // "debian/trixie", or "local"
	Path         string      `json:"path"`
	Digest       kiln.Digest `json:"digest"` // of the .deb
	Release      *release    `json:"release,omitempty"`
}

// release is the signed state of an archive that the lock is made of.
type release struct {
	Digest  kiln.Digest `json:"digest"`
	Date    time.Time   `json:"date"`
	Signers []string    `json:"signers"` // fingerprints
}

func (p *lockedPackage) String() string {
	text := fmt.Sprintf("%s %s %s", p.Name, p.Version, p.Architecture)
	if p.Release == nil {
		return text + ", the recipe's own file " + p.Path
	}
	return fmt.Sprintf("%s, from %s as of %s", text, p.Archive, p.Release.Date.Format("2006-01-02 15:04 MST"))
}

// line tells where a part of the recipe stands.
func (q *inquiry) line(part, why string) *recipeLine {
	return &recipeLine{Part: part, File: q.r.Path(), Line: q.r.Line(part), Why: why}
}

// origin follows an entry's or account's origin to the recipe.
func (q *inquiry) origin(o tree.Origin) *origin {
	made := &origin{Script: o.Script}
	p := q.byName[o.Package]
	if p != nil {
		made.Package = q.locked(p)
		if all := q.chains(p); len(all) > 0 {
			made.Required = &all[0]
		}
	}
	if o.Recipe != "" && (p == nil || p.Recipe != o.Recipe) {
		made.Recipe, made.Stage = q.line(o.Recipe, o.Why), q.stageOf(o.Recipe)
	}
	if o.Rule != "" {
		made.Rule = &rule{o.Rule, o.Why}
		if r, ok := harden.Find(o.Rule); ok {
			made.Rule.Why = r.Why // the recipe's reason stands in its line
		}
	}
	if by := packageOf(o.Script); o.Script != "" && by != o.Package {
		made.Script, made.Changed = "", q.origin(tree.Origin{Package: by, Script: o.Script})
	}
	return made
}

// locked returns what the lock has of a package.
func (q *inquiry) locked(p *bake.Package) *lockedPackage {
	out := &lockedPackage{Name: p.ID.Name, Version: p.ID.Version, Architecture: p.ID.Architecture, Layer: p.Layer}
	for _, l := range q.e.Lock.Platforms[q.e.Platform].Packages {
		if l.Name == p.ID.Name && l.Architecture == p.ID.Architecture {
			out.Archive, out.Path, out.Digest = l.Archive, l.Path, kiln.Digest("sha256:"+l.SHA256)
			out.Release = releaseOf(q.e.Lock, l.Archive)
		}
	}
	return out
}

// releaseOf finds the Release of "debian/trixie-security"; a local package has none.
func releaseOf(l *lock.Lock, archive string) *release {
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			if a.Name+"/"+p.Suite != archive {
				continue
			}
			r := &release{Digest: p.Release, Date: p.Date}
			for _, s := range p.Signers {
				r.Signers = append(r.Signers, s.Fingerprint)
			}
			return r
		}
	}
	return nil
}

// chains lists how lines of the recipe lead to the package, one for each line: those
// of its own layer first, which is there for them, and of these the shortest.
func (q *inquiry) chains(p *bake.Package) []chain {
	var all []chain
	add := func(part, name, why string, names []string) {
		c := chain{*q.line(part, why), names}
		c.Recipe.Name = name
		if !slices.ContainsFunc(all, func(o chain) bool { return o.Recipe.Part == part }) {
			all = append(all, c)
		}
	}
	toward := map[string]string{p.Name: ""} // a package -> the next one on its way to p
	for todo := []*bake.Package{p}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if at.Recipe != "" {
			add(at.Recipe, at.Name, at.Why, follow(toward, at.Name))
		}
		for _, by := range at.RequiredBy {
			_, seen := toward[by]
			switch r := q.byName[by]; {
			case by == "essential":
				add(essentialPart, "", "", follow(toward, at.Name))
			case r != nil && !seen:
				toward[by] = at.Name
				todo = append(todo, r)
			}
		}
	}
	own := func(c chain) bool {
		return strings.HasPrefix(c.Recipe.Part, "layers["+p.Layer+"].") || c.Recipe.Part == essentialPart && p.Layer == q.r.Layers[0].Name
	}
	others := slices.DeleteFunc(slices.Clone(all), own)
	all = slices.DeleteFunc(all, func(c chain) bool { return !own(c) })
	return append(all, others...)
}

func follow(toward map[string]string, name string) []string {
	var names []string
	for ; name != ""; name = toward[name] {
		names = append(names, name)
	}
	return names
}

func (c *chain) String() string {
	if len(c.Packages) == 1 && c.Recipe.Part != essentialPart {
		return c.Recipe.String()
	}
	return fmt.Sprintf("%s\n%15s%s", &c.Recipe, "", strings.Join(c.Packages, " -> "))
}

// print writes the chain from its beginning.
func (o *origin) print(f facts) {
	if o.Recipe != nil {
		f.add("recipe", "%s", o.Recipe)
	}
	if o.Stage != nil {
		o.Stage.print(f)
	}
	if o.Required != nil {
		f.add("required by", "%s", o.Required)
	}
	if o.Package != nil {
		f.add("package", "%s", o.Package)
	}
	if o.Script != "" {
		f.add("script", "%s", o.Script)
	}
	if o.Rule != nil {
		f.add("rule", "%s: %s", o.Rule.Name, o.Rule.Why)
	}
	if o.Changed != nil {
		f.say("was changed last by")
		o.Changed.print(f)
	}
}

// maker names who makes something, in a word.
func (o *origin) maker() string {
	switch {
	case o.Changed != nil:
		return o.Changed.Script
	case o.Script != "":
		return o.Script
	case o.Package != nil:
		return o.Package.Name
	case o.Recipe != nil:
		return o.Recipe.Part
	case o.Rule != nil:
		return "the rule " + o.Rule.Name
	}
	return "kiln"
}
