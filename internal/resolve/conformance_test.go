package resolve_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// scene is one recorded run of apt on an empty system.
type scene struct {
	Test, Step  string
	Archs       []string
	Argv        []string
	Lists       map[string]string // list file to name beside the index
	Preferences string
	RC          string
	New         []string
	Inst        [][2]string
	Output      string
}

func (s *scene) name() string { return s.Test + "/" + s.Step }

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
	if problems := newJudge(req.Arch, sol).problems(req.Wants, false); len(problems) > 0 {
		t.Errorf("%q: not a valid and minimal set: %q", s.Argv, problems)
	}
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

// accepted says whether apt found a set, whatever became of it later.
func (s *scene) accepted() bool { return s.RC == "0" || len(s.New) > 0 }

// complete says whether the lists hold what apt installed, by name and, where
// it told them, by version.
func (s *scene) complete(candidates []resolve.Candidate) bool {
	has := func(name, version string) bool {
		name, _, _ = strings.Cut(name, ":")
		return slices.ContainsFunc(candidates, func(c resolve.Candidate) bool {
			return c.Name == name && (version == "" || c.Version == version)
		})
	}
	for i, name := range s.New {
		version := ""
		if i+1 < len(s.New) && strings.HasPrefix(s.New[i+1], "(") {
			version = strings.Trim(s.New[i+1], "()")
		}
		if !strings.HasPrefix(name, "(") && !has(name, version) {
			return false
		}
	}
	for _, inst := range s.Inst {
		if !has(inst[0], inst[1]) {
			return false
		}
	}
	return true
}

// installed returns the sorted names of apt's set, nil where it told none.
func (s *scene) installed() []string {
	var list []string
	for _, n := range s.New {
		if !strings.HasPrefix(n, "(") {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// release is what matters of a Release file.
type release struct {
	suite    string
	priority int
}

// candidates reads the scene's archive.
func (s *scene) candidates(files map[string][]byte) ([]resolve.Candidate, []release, error) {
	var list []resolve.Candidate
	var releases []release
	for _, name := range sortedKeys(s.Lists) {
		if !strings.HasSuffix(name, "Packages") {
			continue
		}
		packages, err := deb.ReadPackages(bytes.NewReader(files[s.Lists[name]]))
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		r := s.release(name, files)
		releases = append(releases, r)
		for _, p := range packages {
			c := resolve.Candidate{Package: p, Archive: "test/" + r.suite, Source: r.suite, Priority: r.priority}
			if pin, ok := s.pin(p.Name, r.suite); ok {
				c.Priority = pin
			}
			list = append(list, c)
		}
	}
	return list, releases, nil
}

// release finds the Release that vouches for a list and reads its priority
// as apt_preferences(5) says.
func (s *scene) release(list string, files map[string][]byte) release {
	r := release{priority: 500, suite: "flat"}
	base := ""
	if i := strings.Index(list, "dists_"); i >= 0 {
		suite, _, _ := strings.Cut(list[i+len("dists_"):], "_")
		r.suite = suite
		base = list[:i] + "dists_" + suite
	}
	for _, end := range []string{"_InRelease", "_Release"} {
		text := string(files[s.Lists[strings.TrimPrefix(base+end, "_")]])
		if _, suite, ok := strings.Cut(text, "\nSuite: "); ok {
			r.suite, _, _ = strings.Cut(suite, "\n")
		}
		switch {
		case strings.Contains(text, "ButAutomaticUpgrades: yes"):
			r.priority = 100
		case strings.Contains(text, "NotAutomatic: yes"):
			r.priority = 1
		}
	}
	if slices.Contains(s.Argv, "-t") || slices.Contains(s.Argv, "-st") {
		i := slices.IndexFunc(s.Argv, func(a string) bool { return a == "-t" || a == "-st" })
		if s.Argv[i+1] == r.suite {
			r.priority = 990
		}
	}
	return r
}

// pin reads the few forms of preferences that the scenes use.
func (s *scene) pin(name, suite string) (int, bool) {
	found, ok := 0, false
	for _, paragraph := range strings.Split(s.Preferences, "\n\n") {
		fields := map[string]string{}
		for _, line := range strings.Split(paragraph, "\n") {
			k, v, _ := strings.Cut(line, ": ")
			fields[k] = v
		}
		if (fields["Package"] == "*" || fields["Package"] == name) && fields["Pin"] == "release a="+suite && !ok {
			ok = true
			if err := json.Unmarshal([]byte(fields["Pin-Priority"]), &found); err != nil {
				panic(err)
			}
		}
	}
	return found, ok
}

// arguments are what an apt command line asks for.
type arguments struct {
	wants     []resolve.Want
	forbidden []string // names that must not be installed
}

func (s *scene) arguments(candidates []resolve.Candidate) arguments {
	var a arguments
	for _, word := range s.words() {
		if !slices.ContainsFunc(candidates, func(c resolve.Candidate) bool { return c.Name == word }) {
			if name, ok := strings.CutSuffix(word, "-"); ok {
				a.forbidden = append(a.forbidden, name)
				continue
			}
			word = strings.TrimSuffix(word, "+")
		}
		w := resolve.Want{}
		word, w.Source, _ = strings.Cut(word, "/")
		if name, version, ok := strings.Cut(word, "="); ok {
			word, w.Op, w.Version = name, "=", version
		}
		w.Name, w.Arch, _ = strings.Cut(word, ":")
		w.Arch = strings.TrimPrefix(strings.Replace(w.Arch, "any", "", 1), "linux-")
		if pattern := w.Arch; strings.HasSuffix(pattern, "*") {
			for _, w.Arch = range s.Archs {
				if ok, _ := path.Match(pattern, w.Arch); ok {
					a.wants = append(a.wants, w)
				}
			}
			continue
		}
		a.wants = append(a.wants, w)
	}
	return a
}

// words are the command line without its options.
func (s *scene) words() []string {
	var list []string
	skip := true // the command's name
	for _, a := range s.Argv {
		switch {
		case skip:
			skip = false
		case slices.Contains([]string{"-o", "-t", "-st", "--solver"}, a):
			skip = true
		case strings.HasPrefix(a, "-"):
		default:
			list = append(list, a)
		}
	}
	return list[1:] // the action
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

// corpus reads the recorded scenes and the files that they refer to.
func corpus(t *testing.T) ([]*scene, map[string][]byte) {
	folder := os.Getenv("KILN_CONFORMANCE")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "conformance")
	}
	f, err := os.Open(filepath.Join(folder, "apt", "corpus.tar.zst"))
	if err != nil {
		t.Skipf("the recorded scenes are not here (set KILN_CONFORMANCE to their folder): %v", err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(filepath.Dir(h.Name)) == "resolve" {
			if files[filepath.Base(h.Name)], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	var scenes []*scene
	for d := json.NewDecoder(bytes.NewReader(files["index.jsonl"])); d.More(); {
		s := new(scene)
		if err := d.Decode(s); err != nil {
			t.Fatal(err)
		}
		scenes = append(scenes, s)
	}
	return scenes, files
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
