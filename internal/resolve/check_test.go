package resolve_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// judge checks a set by the words of Debian Policy, package by package. It
// shares nothing with the resolver.
type judge struct {
	arch string
	set  []*deb.Package
	by   map[string][]*deb.Package // name to the members that have or provide it
}

func newJudge(arch string, sol *resolve.Solution) judge {
	j := judge{arch: arch, by: map[string][]*deb.Package{}}
	for _, c := range sol.Packages {
		j.set = append(j.set, c.Package)
		names := []string{c.Name}
		for _, d := range c.Provides {
			names = append(names, d[0].Name)
		}
		slices.Sort(names)
		for _, n := range slices.Compact(names) {
			j.by[n] = append(j.by[n], c.Package)
		}
	}
	return j
}

// problems lists everything that is wrong with the set as an answer to req.
func (j judge) problems(req resolve.Request) []string {
	wants := req.Wants
	var list []string
	needs := j.needs(wants)
	for _, need := range slices.Sorted(maps.Keys(needs)) {
		if len(needs[need]) == 0 {
			list = append(list, "not satisfied: "+need)
		}
	}
	for _, p := range j.set {
		for _, q := range j.by[p.Name] {
			if p != q && p.Name == q.Name && !j.coinstallable(p, q) {
				list = append(list, fmt.Sprintf("%s and %s stand side by side", id(q), id(p)))
			}
		}
		for _, field := range []deb.Relations{p.Conflicts, p.Breaks} {
			for _, d := range field {
				list = append(list, j.conflicts(p, d)...)
			}
		}
	}
	list = append(list, j.stray(needs, req.Essential)...)
	if req.Smallest {
		list = append(list, j.superfluous(needs, req.Essential)...)
	}
	return list
}

func id(p *deb.Package) string { return p.Name + "_" + p.Version + "_" + p.Architecture }

func (j judge) archOf(p *deb.Package) string {
	if p.Architecture == "all" {
		return j.arch
	}
	return p.Architecture
}

func (j judge) coinstallable(p, q *deb.Package) bool {
	return j.archOf(p) != j.archOf(q) && p.MultiArch == "same" && q.MultiArch == "same" && p.Version == q.Version
}

// needs returns, for each want and dependency of the set, its text and the
// members that satisfy it.
func (j judge) needs(wants []resolve.Want) map[string][]*deb.Package {
	needs := map[string][]*deb.Package{}
	for _, w := range wants {
		r := deb.Relation{Name: w.Name, Op: w.Op, Version: w.Version}
		arch := w.Arch
		if arch == "" || arch == "all" || arch == "native" {
			arch = j.arch
		}
		by := slices.DeleteFunc(slices.Clone(j.by[w.Name]), func(p *deb.Package) bool {
			return p.Name != w.Name || j.archOf(p) != arch || !deb.Satisfies(p.Version, w.Op, w.Version)
		})
		if len(by) == 0 {
			by = slices.DeleteFunc(slices.Clone(j.by[w.Name]), func(p *deb.Package) bool { return p.Name == w.Name || !j.satisfies(p, r, arch) })
		}
		needs["want "+w.Name+":"+arch+w.Op+w.Version] = by
	}
	for _, p := range j.set {
		for i, d := range slices.Concat(p.PreDepends, p.Depends) {
			if !without(wants, p, d) {
				needs[fmt.Sprintf("%s needs %d %v", id(p), i, d)] = j.satisfiers(p, d)
			}
		}
	}
	return needs
}

// satisfiers are the members that satisfy a dependency of p; p alone where it
// does so itself.
func (j judge) satisfiers(p *deb.Package, d deb.Dependency) []*deb.Package {
	var list []*deb.Package
	for _, r := range d {
		for _, q := range j.by[r.Name] {
			if j.satisfies(q, r, j.archOf(p)) && !slices.Contains(list, q) {
				list = append(list, q)
			}
		}
	}
	if slices.Contains(list, p) {
		return []*deb.Package{p}
	}
	return list
}

func without(wants []resolve.Want, p *deb.Package, d deb.Dependency) bool {
	for _, w := range wants {
		if (w.Name == p.Name || provided(p, deb.Relation{Name: w.Name})) && slices.ContainsFunc(d, func(r deb.Relation) bool { return slices.Contains(w.Without, r.Name) }) {
			return true
		}
	}
	return false
}

// satisfies says whether q satisfies r for a package of that architecture.
func (j judge) satisfies(q *deb.Package, r deb.Relation, arch string) bool {
	switch {
	case r.Qualifier == "" && (q.MultiArch == "foreign" || j.archOf(q) == arch):
	case r.Qualifier == "any" && q.MultiArch == "allowed":
	case r.Qualifier != "" && r.Qualifier != "any" && (j.archOf(q) == r.Qualifier || r.Qualifier == "native" && j.archOf(q) == j.arch):
	default:
		return false
	}
	return q.Name == r.Name && deb.Satisfies(q.Version, r.Op, r.Version) || provided(q, r)
}

func provided(q *deb.Package, r deb.Relation) bool {
	for _, d := range q.Provides {
		for _, v := range d {
			if v.Name == r.Name && (r.Op == "" || v.Op == "=" && deb.Satisfies(v.Version, r.Op, r.Version)) {
				return true
			}
		}
	}
	return false
}

func (j judge) conflicts(p *deb.Package, d deb.Dependency) []string {
	var list []string
	for _, r := range d {
		for _, q := range j.by[r.Name] {
			hit := q.Name == r.Name && deb.Satisfies(q.Version, r.Op, r.Version) || provided(q, r)
			if r.Qualifier != "" && r.Qualifier != "any" && j.archOf(q) != r.Qualifier && !(r.Qualifier == "native" && j.archOf(q) == j.arch) {
				hit = false
			}
			if hit && q.Name != p.Name {
				list = append(list, fmt.Sprintf("%s conflicts with %s: %v", id(p), id(q), r))
			}
		}
	}
	return list
}

// stray lists members that no chain of satisfied dependencies leads to.
func (j judge) stray(needs map[string][]*deb.Package, essential bool) []string {
	reached := map[*deb.Package]bool{}
	for need, by := range needs {
		for _, p := range by {
			if strings.HasPrefix(need, "want ") {
				reached[p] = true
			}
		}
	}
	for _, p := range j.set {
		if essential && p.Essential {
			reached[p] = true
		}
	}
	bySubject := map[string][]string{}
	for need := range needs {
		subject, _, _ := strings.Cut(need, " ")
		bySubject[subject] = append(bySubject[subject], need)
	}
	for grown := true; grown; {
		grown = false
		for _, p := range j.set {
			for _, need := range bySubject[id(p)] {
				for _, q := range needs[need] {
					if reached[p] && !reached[q] {
						reached[q], grown = true, true
					}
				}
			}
		}
	}
	var list []string
	for _, p := range j.set {
		if !reached[p] {
			list = append(list, "stray: "+id(p))
		}
	}
	return list
}

// superfluous lists members that no want or dependency of another needs: each
// that has one has others that satisfy it too.
func (j judge) superfluous(needs map[string][]*deb.Package, essential bool) []string {
	needed := map[*deb.Package]bool{}
	for need, by := range needs {
		if len(by) == 1 && !strings.HasPrefix(need, id(by[0])+" ") {
			needed[by[0]] = true
		}
	}
	var list []string
	for _, p := range j.set {
		if !needed[p] && !(essential && p.Essential) {
			list = append(list, "superfluous: "+id(p))
		}
	}
	return list
}

// reporter is a test, of testing or of rapid.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkBoth has the judge look at the set for req and at the smallest one,
// which must be part of the former.
func checkBoth(t reporter, ix *resolve.Index, req resolve.Request) {
	t.Helper()
	var sets [2][]string
	for i, smallest := range []bool{false, true} {
		req.Smallest = smallest
		sol, err := resolve.Resolve(context.Background(), ix, req)
		if err != nil {
			t.Errorf("%+v: %v", req, err)
			return
		}
		if problems := newJudge(req.Arch, sol).problems(req); len(problems) > 0 {
			t.Errorf("%+v: not a good set: %q", req, problems)
		}
		for _, p := range sol.Packages {
			sets[i] = append(sets[i], id(p.Package))
		}
		checkLocked(t, ix, req, sol)
	}
	for _, p := range sets[1] {
		if !slices.Contains(sets[0], p) {
			t.Errorf("%+v: %s is in the smallest set alone", req, p)
		}
	}
}

// checkLocked resolves again with what came out pinned: nothing may change.
func checkLocked(t reporter, ix *resolve.Index, req resolve.Request, sol *resolve.Solution) {
	t.Helper()
	req.Pinned, req.Update = map[string]resolve.Pin{}, nil
	for _, p := range sol.Packages {
		req.Pinned[p.Name+":"+p.Architecture] = resolve.Pin{Version: p.Version, SHA256: p.SHA256}
	}
	again, err := resolve.Resolve(context.Background(), ix, req)
	if err != nil {
		t.Errorf("%+v: pinned to its own answer: %v", req, err)
	} else if diff := cmp.Diff(sol, again); diff != "" {
		t.Errorf("%+v: pinned to its own answer (-before +after):\n%s", req.Wants, diff)
	}
}
