package resolve_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// TestEverySmallUniverse compares the resolver with trying all sets: it finds
// one exactly where there is one, and always a good one.
func TestEverySmallUniverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := drawUniverse(t, []string{"a", "b", "c", "d"}, 7)
		req := drawRequest(t, candidates)
		ix := resolve.NewIndex(candidates)
		_, err := resolve.Resolve(context.Background(), ix, req)
		if possible := anySet(candidates, req); possible != (err == nil) {
			t.Fatalf("a set exists: %v, but the resolver says %v", possible, err)
		}
		if err == nil {
			checkBoth(t, ix, req)
		}
	})
}

// TestLargerUniverses has the judge look at what the resolver finds where
// there is more to take back, and holds it to its answer in another order.
func TestLargerUniverses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := drawUniverse(t, strings.Split("abcdefghijkl", ""), 40)
		req := drawRequest(t, candidates)
		ix := resolve.NewIndex(candidates)
		sol, err := resolve.Resolve(context.Background(), ix, req)
		slices.Reverse(candidates)
		slices.Reverse(req.Wants)
		again, errAgain := resolve.Resolve(context.Background(), resolve.NewIndex(candidates), req)
		if diff := cmp.Diff(sol, again); diff != "" || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("another order gives another answer: %v, %v\n%s", err, errAgain, diff)
		}
		if err == nil {
			checkBoth(t, ix, req)
		}
	})
}

func drawRequest(t *rapid.T, candidates []resolve.Candidate) resolve.Request {
	req := resolve.Request{Arch: "amd64", ForeignArchs: []string{"arm64"}}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 2, rapid.ID).Draw(t, "wants") {
		if slices.ContainsFunc(candidates, func(c resolve.Candidate) bool { return c.Name == name && c.Architecture != "arm64" }) {
			req.Wants = append(req.Wants, resolve.Want{Name: name})
		}
	}
	return req
}

// anySet tries all sets of candidates.
func anySet(candidates []resolve.Candidate, req resolve.Request) bool {
	for bits := range 1 << len(candidates) {
		var sol resolve.Solution
		for i, c := range candidates {
			if bits&(1<<i) != 0 {
				sol.Packages = append(sol.Packages, resolve.Chosen{Candidate: c})
			}
		}
		if !slices.ContainsFunc(newJudge(req.Arch, &sol).problems(req), func(p string) bool { return !strings.HasPrefix(p, "stray: ") }) {
			return true
		}
	}
	return false
}

func drawUniverse(t *rapid.T, names []string, most int) []resolve.Candidate {
	var list []resolve.Candidate
	for range rapid.IntRange(1, most).Draw(t, "candidates") {
		p := &deb.Package{
			Name:         rapid.SampledFrom(names).Draw(t, "name"),
			Version:      rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"),
			Architecture: rapid.SampledFrom([]string{"amd64", "amd64", "all", "arm64"}).Draw(t, "arch"),
			MultiArch:    rapid.SampledFrom([]string{"", "", "same", "foreign", "allowed"}).Draw(t, "multi-arch"),
			Depends:      drawRelations(t, names, 2),
			Conflicts:    drawRelations(t, names, 1),
		}
		if rapid.Bool().Draw(t, "provides") {
			p.Provides = deb.Relations{{{Name: "v"}}, {{Name: "w", Op: "=", Version: p.Version}}}
		}
		if !slices.ContainsFunc(list, func(c resolve.Candidate) bool { return id(c.Package) == id(p) }) {
			list = append(list, resolve.Candidate{Package: p})
		}
	}
	return list
}

func drawRelations(t *rapid.T, names []string, alternatives int) deb.Relations {
	var list deb.Relations
	for i := range rapid.IntRange(0, 2).Draw(t, "relations") {
		var d deb.Dependency
		for j := range rapid.IntRange(1, alternatives).Draw(t, "alternatives") {
			label := fmt.Sprintf("relation %d.%d", i, j)
			r := deb.Relation{Name: rapid.SampledFrom(append(slices.Clone(names), "v", "w")).Draw(t, label)}
			switch rapid.IntRange(0, 5).Draw(t, label+" kind") {
			case 0:
				r.Op, r.Version = ">=", "2"
			case 1:
				r.Op, r.Version = "=", "1"
			case 2:
				r.Qualifier = "any"
			}
			d = append(d, r)
		}
		list = append(list, d)
	}
	return list
}
