package debian

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/deb"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// Offer is what the archives had under a name, in the state that a lock records.
type Offer struct {
	Candidates []Candidate // packages of the name, the newest first
	Providers  []Candidate // packages that provide it
	Nearest    []string    // names that are most like it, where there is none of these
}

// Candidate is a package that could have been chosen.
type Candidate struct {
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Architecture string   `json:"architecture"`
	Archive      string   `json:"archive"`
	Priority     int      `json:"priority"` // as apt's Pin-Priority
	Essential    bool     `json:"essential,omitempty"`
	Provides     []string `json:"provides,omitempty"` // names
	Lost         string   `json:"lost,omitempty"`     // why another version was chosen

	source, sha256 string
}

// Offered looks a name up in the archives as they were when the lock was made. It uses
// the network where the store does not have their indexes.
func (f *Family) Offered(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, name string) (*Offer, error) {
	arch, err := deb.Architecture(p)
	if err != nil {
		return nil, err
	}
	client, err := f.client(time.Time{})
	if err != nil { // no mirror is known: the store may have all
		client = &apt.Client{Store: f.Store, Now: f.Now(), Sink: f.Sink}
	}
	k := &locking{family: f, recipe: r, old: l, client: client}
	if err := k.open(ctx); err != nil {
		return nil, err
	}
	archs := append([]string{arch}, foreign(wantsOf(r), arch)...)
	var stocks []resolve.Stock
	for _, po := range k.pockets {
		list, err := po.stocks(ctx, k, archs)
		if err != nil {
			return nil, err
		}
		stocks = append(stocks, list...)
	}
	local, err := f.localStock(r, archs)
	if err != nil {
		return nil, err
	}
	return offerOf(append(stocks, local), name), nil
}

func offerOf(stocks []resolve.Stock, name string) *Offer {
	o := &Offer{}
	for _, s := range stocks {
		for i, end := s.Named(name); i < end; i++ {
			o.Candidates = add(o.Candidates, candidateOf(s, i))
		}
		for _, p := range s.Provisions(name) {
			o.Providers = add(o.Providers, candidateOf(s, p.By))
		}
	}
	slices.SortFunc(o.Candidates, func(a, b Candidate) int {
		return cmp.Or(deb.Compare(b.Version, a.Version), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Archive, b.Archive))
	})
	slices.SortFunc(o.Providers, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), deb.Compare(b.Version, a.Version), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Archive, b.Archive))
	})
	if o.Candidates == nil && o.Providers == nil {
		var names []string
		for _, s := range stocks {
			names = slices.AppendSeq(names, s.Names())
		}
		if near := recipe.Nearest(name, names); near != "" {
			o.Nearest = []string{near}
		}
	}
	return o
}

// add adds a candidate that is not there yet: indexes of several architectures list
// the same packages for all.
func add(list []Candidate, c Candidate) []Candidate {
	if slices.ContainsFunc(list, func(o Candidate) bool { return o.sha256 == c.sha256 && o.Archive == c.Archive }) {
		return list
	}
	return append(list, c)
}

func candidateOf(s resolve.Stock, i int) Candidate {
	p := s.Package(i)
	c := Candidate{
		Name: p.Name, Version: p.Version, Architecture: p.Architecture, Archive: s.Archive, Priority: cmp.Or(s.Priority, resolve.DefaultPriority),
		Essential: p.Essential, source: s.Source, sha256: p.SHA256,
	}
	for _, d := range p.Provides {
		c.Provides = append(c.Provides, d[0].Name)
	}
	return c
}

// Judge says of each candidate that is not the chosen one of its architecture why it
// lost. What only another run of the resolver would tell, it does not claim.
func (o *Offer) Judge(e *bake.Explanation) {
	for i := range o.Candidates {
		c := &o.Candidates[i]
		for _, chosen := range e.Lock.Platforms[e.Platform].Packages {
			if chosen.Name == c.Name && chosen.Architecture == c.Architecture && chosen.SHA256 != c.sha256 {
				c.Lost = o.lost(c, chosen, e)
			}
		}
	}
}

// Is tells whether a candidate is the locked package.
func (c *Candidate) Is(p lock.Package) bool { return c.sha256 == p.SHA256 }

// lost tells why the candidate is not the chosen one.
func (o *Offer) lost(c *Candidate, chosen lock.Package, e *bake.Explanation) string {
	if c.Priority < 0 {
		return fmt.Sprintf("its source has the priority %d, and what is below 0 is never taken", c.Priority)
	}
	if by := refusedBy(c, e); by != "" {
		return by
	}
	i := slices.IndexFunc(o.Candidates, func(other Candidate) bool { return other.Is(chosen) })
	switch {
	case i >= 0 && c.Priority < o.Candidates[i].Priority:
		return fmt.Sprintf("its source has the priority %d, that of %s has %d", c.Priority, chosen.Version, o.Candidates[i].Priority)
	case deb.Compare(c.Version, chosen.Version) < 0:
		return "it is older than " + chosen.Version
	}
	return fmt.Sprintf("the lock holds %s; kiln lock --update %s chooses anew, and tells what stands against it", chosen.Version, c.Name)
}

// refusedBy finds what of the recipe or of the chosen packages does not go with a
// candidate.
func refusedBy(c *Candidate, e *bake.Explanation) string {
	for _, l := range e.Recipe.Layers {
		for i, w := range l.Packages {
			op, version := w.Constraint()
			switch at := fmt.Sprintf("layers[%s].packages[%d]", l.Name, i); {
			case w.Name != c.Name && w.Name != c.Name+":"+c.Architecture:
			case op != "" && !deb.Satisfies(c.Version, op, version):
				return fmt.Sprintf("%s asks for %s (%s %s)", at, c.Name, op, version)
			case w.Archive != "" && w.Archive != c.source:
				return fmt.Sprintf("%s asks for the one of the source %s", at, w.Archive)
			}
		}
	}
	for i := range e.Packages {
		for _, field := range []string{"Pre-Depends", "Depends"} {
			for _, d := range relationsOf(&e.Packages[i], field) {
				if len(d) == 1 && d[0].Name == c.Name && !d[0].SatisfiedBy(c.Version) {
					return fmt.Sprintf("%s has %s: %s", e.Packages[i].Name, field, d)
				}
			}
		}
	}
	return ""
}
