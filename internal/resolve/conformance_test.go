package resolve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/resolve"
)

// TestConformance holds the resolver against what apt did in recorded scenes:
// apt's refusals are refused, and where apt found a set, so does the resolver,
// valid and minimal. testdata/conformance.json names the exceptions.
func TestConformance(t *testing.T) {
	scenes, files := corpus(t)
	rules := conformanceRules(t)
	counts := map[string]int{}
	for _, s := range scenes {
		if rule := rules.exclusion(s); rule != "" {
			counts["excluded: "+rule]++
			continue
		}
		t.Run(s.name(), func(t *testing.T) { counts[checkScene(t, s, files, rules)]++ })
	}
	t.Logf("%d scenes: %v", len(scenes), counts)
	if diff := cmp.Diff(rules.Counts, counts); diff != "" && len(scenes) == rules.Scenes {
		t.Errorf("testdata/conformance.json counts otherwise (-want +got):\n%s", diff)
	}
}

// checkScene resolves one scene and returns how it compares with apt.
func checkScene(t *testing.T, s *scene, files map[string][]byte, rules *rulebook) string {
	candidates, _, err := s.candidates(files)
	if err != nil {
		if why := rules.stricter(s); why == "" {
			t.Error(err)
		}
		return "refused, stricter: " + rules.stricter(s)
	}
	if s.accepted() && !s.complete(candidates) {
		return "excluded: the recorded lists lack what apt installed, one list having replaced another of the same name"
	}
	req := resolve.Request{Arch: s.Archs[0], ForeignArchs: s.Archs[1:]}
	args := s.arguments(candidates)
	req.Wants = args.wants
	candidates = slices.DeleteFunc(candidates, func(c resolve.Candidate) bool { return slices.Contains(args.forbidden, c.Name) })
	ix := resolve.NewIndex(candidates)
	sol, err := resolve.Resolve(context.Background(), ix, req)
	named := ""
	if f := new(resolve.Failure); errors.As(err, &f) && s.accepted() {
		if arch := foreignOnly(req, ix); arch != nil {
			req.Wants, named = arch, ", after the architecture was named"
			sol, err = resolve.Resolve(context.Background(), ix, req)
		}
	}
	switch {
	case err != nil && s.accepted() && rules.stricter(s) != "":
		return "refused, stricter: " + rules.stricter(s)
	case err != nil && s.accepted():
		t.Errorf("apt took %q, refused here: %v\n%s", s.Argv, err, s.Output)
		return "wrong"
	case err != nil:
		return "refused as apt does"
	case !s.accepted():
		t.Errorf("apt refused %q, accepted here: %v\n%s", s.Argv, names(sol, req.Arch), s.Output)
		return "wrong"
	}
	checkBoth(t, ix, req)
	return s.compare(t, names(sol, req.Arch), rules) + named
}

// compare compares the names of a set with apt's.
func (s *scene) compare(t *testing.T, got []string, rules *rulebook) string {
	want := s.installed()
	if want == nil {
		return "valid, apt's set not recorded"
	}
	if cmp.Equal(want, got) {
		return "same set"
	}
	if why := rules.difference(s); why != "" {
		return "valid, other set: " + why
	}
	t.Errorf("%q: apt took %v, here %v\n%s", s.Argv, want, got, s.Output)
	return "wrong"
}

// names are those of a set, as apt prints them.
func names(sol *resolve.Solution, arch string) []string {
	list := []string{}
	for _, p := range sol.Packages {
		if a := p.Architecture; a != arch && a != "all" {
			list = append(list, p.Name+":"+a)
		} else {
			list = append(list, p.Name)
		}
	}
	slices.Sort(list)
	return list
}

// foreignOnly returns the wants with the architecture named that alone has
// them, which apt would take unasked.
func foreignOnly(req resolve.Request, ix *resolve.Index) []resolve.Want {
	wants := slices.Clone(req.Wants)
	for i, w := range wants {
		one := req
		one.Wants = []resolve.Want{w}
		if _, err := resolve.Resolve(context.Background(), ix, one); err == nil || len(req.ForeignArchs) == 0 {
			continue
		}
		wants[i].Arch = req.ForeignArchs[0]
	}
	return wants
}

// rulebook is testdata/conformance.json.
type rulebook struct {
	Exclude []struct{ Scene, Argument, Output, List, Why string } // what is empty matches all; Output: of refusals
	Differ  []struct{ Scene, Argument, Why string }               // valid, but not the same set
	Refuse  []struct{ Scene, Argument, Why string }               // refused here where apt accepts
	Scenes  int                                                   // in the corpus that Counts is of
	Counts  map[string]int                                        // by verdict
}

func conformanceRules(t *testing.T) *rulebook {
	b, err := os.ReadFile("testdata/conformance.json")
	if err != nil {
		t.Fatal(err)
	}
	var r rulebook
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func (r *rulebook) exclusion(s *scene) string {
	for _, e := range r.Exclude {
		if strings.HasPrefix(s.name(), e.Scene) && strings.Contains(strings.Join(s.Argv, " "), e.Argument) && s.refusal(e.Output) && s.listed(e.List) {
			return e.Why
		}
	}
	return ""
}

func (s *scene) refusal(output string) bool {
	return output == "" || !s.accepted() && strings.Contains(s.Output, output)
}

func (s *scene) listed(ending string) bool {
	return slices.ContainsFunc(sortedKeys(s.Lists), func(name string) bool { return strings.HasSuffix(name, ending) }) || ending == ""
}

func (r *rulebook) stricter(s *scene) string {
	for _, d := range r.Refuse {
		if strings.HasPrefix(s.name(), d.Scene) && strings.Contains(strings.Join(s.Argv, " "), d.Argument) {
			return d.Why
		}
	}
	return ""
}

func (r *rulebook) difference(s *scene) string {
	for _, d := range r.Differ {
		if strings.HasPrefix(s.name(), d.Scene) && strings.Contains(strings.Join(s.Argv, " "), d.Argument) {
			return d.Why
		}
	}
	return ""
}
