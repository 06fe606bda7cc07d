package resolve_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
