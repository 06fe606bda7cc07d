// Package resolve turns wants and an index of binary packages into the exact
// set of packages to install, or into an explanation why there is none.
//
// The meaning of the relationship fields is that of Debian Policy 7 and of
// dpkg (deb-control(5), Multi-Arch included), on an empty system. Among the
// valid sets it takes the one that apt's order of preference leads to: higher
// pin priority, then newer version; the first alternative; the real package
// before a provider; of providers the essential, the native, the one of higher
// Priority field, the last by name. Recommends are never followed, and nothing
// stays in the set that does not satisfy a dependency of another member.
//
// The result depends on the request and on the candidates alone, not on their
// order. The search is that of a SAT solver with clause learning whose
// decisions follow that preference, so that it always ends with the set or with
// a proof that there is none.
package resolve

import (
	"context"

	"kiln/internal/deb"
)

// DefaultPriority is the pin priority of a candidate that says none, as apt's.
const DefaultPriority = 500

// Candidate is one package that could be installed. A candidate whose priority
// is negative never is.
type Candidate struct {
	*deb.Package
	Archive  string // where it comes from, as the lock names it: "debian/trixie-security"
	Source   string // name of the recipe's source: "debian"
	Priority int    // as apt's Pin-Priority; 0 means DefaultPriority
}

// Want is one package that must be in the set.
type Want struct {
	Name    string
	Arch    string   // "" means the native architecture
	Op      string   // "", "<<", "<=", "=", ">=", ">>"
	Version string   // bound, where Op is not empty
	Source  string   // only candidates of this source; "" means any
	Without []string // names: dependencies of this package that name one of them are not followed
	Place   string   // for messages: "layers[base].packages[0]"
	Reason  string   // what RequiredBy has for it; "" means ByRecipe
}

// Request is what to resolve.
type Request struct {
	Arch         string         // the native architecture, in Debian's terms: "amd64"
	ForeignArchs []string       // further architectures, in order of preference
	Wants        []Want         // in any order
	Essential    bool           // also every package marked Essential
	Without      []string       // names: dependencies of any package that name one of them are not followed
	Pinned       map[string]Pin // by "name:architecture", as the lock has them ("all" included): preferred to newer versions and to other alternatives, as long as that is valid
	Update       []string       // names whose pins are ignored
	Smallest     bool           // also drop what apt would keep: first alternatives of dependencies that another member satisfies as well
}

// Pin is what a lock holds of a package: these very bytes, so that no other
// archive can take its place with the same version.
type Pin struct {
	Version string
	SHA256  string // "" means any
}

// Solution is a valid set with nothing in it that no dependency leads to.
type Solution struct {
	Packages []Chosen // sorted by name, then architecture
}

// Chosen is a member of the set. RequiredBy is sorted and holds the names of
// all members with a dependency that it satisfies (with ":arch" where they are
// of a foreign architecture), "recipe" or the want's own reason where it is wanted, and
// "essential" where it is only or also there for being essential.
type Chosen struct {
	Candidate
	RequiredBy []string
}

// The reasons in RequiredBy that are not packages.
const (
	ByRecipe    = "recipe"
	ByEssential = "essential"
)

// Resolve finds the set for a request. Where there is none, the error is or
// wraps a *Failure.
func Resolve(ctx context.Context, ix *Index, req Request) (*Solution, error) {
	w := newWorld(ix, req)
	roots, missing := w.roots()
	if len(missing) > 0 {
		return nil, failed(&Failure{Arch: req.Arch, Problems: missing})
	}
	s := newSearch(w)
	ok, err := s.solve(ctx, roots)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, failed(s.explain())
	}
	return s.solution(roots), nil
}
