package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// absentPackage tells of a package, or of a version of one, that is not in the image.
type absentPackage struct {
	Name         string             `json:"name"`
	Version      string             `json:"version,omitempty"` // that was asked for
	Architecture string             `json:"architecture,omitempty"`
	Instead      []string           `json:"instead,omitempty"` // versions of it that are in the image
	Stages       []recipeLine       `json:"stages,omitempty"`  // that have it
	Reasons      []absentReason     `json:"reasons"`
	Candidates   []debian.Candidate `json:"candidates,omitempty"` // that the archives had when the lock was made
	Providers    []debian.Candidate `json:"providers,omitempty"`  // where none has the name itself
	Unknown      string             `json:"unknown,omitempty"`    // why nothing is known of what the archives had

	nearest string
}

// absentReason is debian.Reason with its place in the recipe.
type absentReason struct {
	debian.Reason
	Recipe *recipeLine `json:"recipe,omitempty"`
}

// offers looks up what the archives had of a name; nil where nobody can be asked.
type offers func(name string) (*debian.Offer, error)

// offers is for the recipe of an image that was put together with the same flags.
func (a *app) offers(ctx context.Context, q *inquiry, f explainFlags) offers {
	return func(name string) (*debian.Offer, error) {
		family, st, err := a.family(f.source)
		if err != nil {
			return nil, err
		}
		defer st.Close()
		return family.Offered(ctx, q.r, q.e.Lock, q.e.Platform, name)
	}
}

// absent answers for a package that is not in the image, or not in that version; nil
// where nothing of the name is known.
func (q *inquiry) absent(name, arch, version string) *absentPackage {
	a := &absentPackage{Name: name, Version: version, Architecture: arch, Reasons: []absentReason{}}
	for _, p := range q.lockedOf(name, arch) {
		a.Instead = append(a.Instead, p.Version+" "+p.Architecture)
	}
	a.Stages = q.stagesWith(name, arch)
	offer := q.offered(a)
	var provides []string
	essential := false
	for _, c := range offer.Candidates {
		if arch != "" && c.Architecture != arch || version != "" && c.Version != version && a.Instead == nil {
			continue
		}
		a.Candidates = append(a.Candidates, c)
		provides = append(provides, c.Provides...)
		essential = essential || c.Essential
	}
	if arch == "" && version == "" && a.Candidates == nil {
		a.Providers = offer.Providers
	}
	if a.Instead == nil && (arch == "" || a.Candidates != nil) {
		if essential && !q.r.Essential {
			a.Reasons = append(a.Reasons, absentReason{Reason: debian.Reason{Kind: debian.Essential}})
		}
		for _, r := range debian.Absent(q.e, name, provides) {
			reason := absentReason{Reason: r}
			if r.Recipe != "" {
				reason.Recipe = q.line(r.Recipe, r.Why)
			}
			a.Reasons = append(a.Reasons, reason)
		}
	}
	a.nearest = recipe.Nearest(name, append(q.packageNames(), offer.Nearest...))
	q.nearest = a.nearest
	if q.offers == nil && !q.r.Essential && len(a.Reasons)+len(a.Instead) == 0 {
		a.Unknown = "it may be marked Essential, which the recipe does not ask for: " + a.Unknown
	}
	known := len(a.Reasons)+len(a.Candidates)+len(a.Providers)+len(a.Instead)+len(a.Stages) > 0
	if !known && (a.Unknown == "" || arch != "") {
		return nil
	}
	return a
}

// offered looks up the name, and says why where that cannot be.
func (q *inquiry) offered(a *absentPackage) *debian.Offer {
	if q.offers == nil {
		a.Unknown = "the record of the build does not hold what they had; with the recipe that the image is made of, that tells: kiln why RECIPE package:" + a.Name
		return &debian.Offer{}
	}
	offer, err := q.offers(a.Name)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		a.Unknown = "the archives could not be asked: " + first
		return &debian.Offer{}
	}
	offer.Judge(q.e)
	return offer
}

// lockedOf lists the packages of a name that are in the image.
func (q *inquiry) lockedOf(name, arch string) []lock.Package {
	var list []lock.Package
	for _, p := range q.e.Lock.Platforms[q.e.Platform].Packages {
		if p.Name == name && (arch == "" || p.Architecture == arch) {
			list = append(list, p)
		}
	}
	return list
}

func (a *absentPackage) print(f facts, about string) {
	asked := a.Name
	if a.Version != "" {
		asked += " " + a.Version
	}
	f.say("%s is not in the image", asked)
	if a.Instead != nil {
		f.add("instead", "%s", strings.Join(a.Instead, ", "))
	}
	for _, kind := range []debian.ReasonKind{debian.Without, debian.Alternative, debian.Provided, debian.RuledOut, debian.Essential, debian.Recommended, debian.Suggested} {
		var lines []string
		for i := range a.Reasons {
			if a.Reasons[i].Kind == kind {
				lines = append(lines, a.Reasons[i].String())
			}
		}
		f.list(reasonNames()[kind], lines)
	}
	for _, s := range a.Stages {
		f.add("stage", "%s; of its packages, none is in the image", &s)
	}
	asks := func(r absentReason) bool { return r.Kind == debian.Without || r.Kind == debian.Alternative }
	if a.Instead == nil && a.Stages == nil && !slices.ContainsFunc(a.Reasons, asks) {
		f.add("asked for", "by no line of the recipe and no dependency of a package that is there")
	}
	f.list("there is", candidateLines(a.Candidates))
	if len(a.Providers) > 0 {
		f.say("it is a virtual name, of what these packages provide")
		f.list("provided by", candidateLines(a.Providers))
	}
	if a.Unknown != "" {
		f.add("archives", "%s", a.Unknown)
	} else if a.Candidates == nil && a.Providers == nil {
		f.add("archives", "no source of the recipe has it")
	} else if a.Version != "" && !slices.ContainsFunc(a.Candidates, func(c debian.Candidate) bool { return c.Version == a.Version }) {
		f.add("archives", "no source of the recipe has that version")
	}
	if a.Instead == nil && len(a.Reasons)+len(a.Candidates)+len(a.Providers) == 0 && a.nearest != "" {
		f.add("nearest", "kiln why %s package:%s", about, a.nearest)
	}
}

// reasonNames are what the reasons of a kind are told under.
func reasonNames() map[debian.ReasonKind]string {
	return map[debian.ReasonKind]string{
		debian.Without: "left out", debian.Alternative: "other choice", debian.Provided: "in its place", debian.RuledOut: "ruled out",
		debian.Essential: "essential", debian.Recommended: "recommended", debian.Suggested: "suggested",
	}
}

func (r *absentReason) String() string {
	says := fmt.Sprintf("%s has %s: %s", r.Package, r.Field, r.Relation)
	switch r.Kind {
	case debian.Without:
		text := says + ", which is not followed: " + r.Recipe.String()
		if r.Chosen != nil {
			text += "; " + strings.Join(r.Chosen, ", ") + " has it all the same"
		}
		return text
	case debian.Alternative:
		return says + ", for which there is " + strings.Join(r.Chosen, ", ")
	case debian.Provided:
		return r.Package + " provides the name"
	case debian.RuledOut:
		return says
	case debian.Essential:
		return "it is marked so, and the recipe does not say essential: true"
	}
	return says + ", which kiln never follows"
}

func candidateLines(list []debian.Candidate) []string {
	var lines []string
	for _, c := range list {
		text := fmt.Sprintf("%s %s %s, from %s", c.Name, c.Version, c.Architecture, c.Archive)
		if c.Lost != "" {
			text += ": " + c.Lost
		}
		lines = append(lines, text)
	}
	return lines
}
