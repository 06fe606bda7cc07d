package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
)

// classes are the kinds of results that a build keeps, and how one is known.
func classes() []resultClass {
	return []resultClass{
		{"image", func(v string) bool { return strings.Contains(v, `"manifest":`) }},
		{"layer", func(v string) bool { return strings.HasPrefix(v, `{"digest":`) && strings.Contains(v, `"diffID":`) }},
		{"member", func(v string) bool { return strings.HasPrefix(v, `{"digest":`) && !strings.Contains(v, `"diffID":`) }},
		{"listing", func(v string) bool { return strings.HasPrefix(v, "kiln listing") }},
		{"package", func(v string) bool { return strings.Contains(v, "Package: ") && !strings.HasPrefix(v, "kiln listing") }},
		{"configured", func(v string) bool { return true }}, // the others
	}
}

type resultClass struct {
	name string
	is   func(value string) bool
}

// kept maps each class to the results of the store, by path below the scene.
func (s *scene) kept() map[string][]string {
	s.t.Helper()
	all := map[string][]string{}
	for _, path := range s.objects("results") {
		name := strings.TrimPrefix(path, s.root+"/")
		_, value, _ := strings.Cut(s.read(name), "\n")
		for _, c := range classes() {
			if c.is(value) {
				all[c.name] = append(all[c.name], name)
				break
			}
		}
	}
	return all
}

// forge puts another value under a result's name, soundly sealed. What it returns
// puts the old one back.
func (s *scene) forge(name string, change func(value string) string) (back func()) {
	s.t.Helper()
	sound := s.read(name)
	_, value, _ := strings.Cut(sound, "\n")
	other := change(value)
	if other == value {
		s.t.Fatalf("%s was not changed", name)
	}
	s.remove(name)
	s.write(name, sealed("sha256:"+filepath.Base(name), other))
	return func() {
		s.remove(name)
		s.write(name, sound)
	}
}

// Whatever result the store keeps under a right key and with a sound seal: where it
// is not what the step gives, --verify-cache finds it.
func TestVerifyCacheFindsEveryResult(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build("-o", "oci:web.oci")
	if got := s.build("--verify-cache", "-o", "oci:web.oci"); got.Index != want.Index {
		t.Fatalf("the index %s, was %s", got.Index, want.Index)
	}
	kept := s.kept()
	for _, c := range classes() {
		if len(kept[c.name]) == 0 {
			t.Errorf("nothing is kept of the class %s", c.name)
		}
		for _, name := range kept[c.name] {
			back := s.forge(name, func(v string) string { return v[:len(v)/2] + string(v[len(v)/2]^1) + v[len(v)/2+1:] })
			o := s.refuses("build web --verify-cache -o oci:web.oci", 3, "another result under the key sha256:"+filepath.Base(name), "report it")
			if !strings.Contains(o.stderr, "kiln store gc") {
				t.Errorf("%s: no way out is named: %s", c.name, o)
			}
			back()
		}
	}
	s.does("build", "web", "--verify-cache", "-o", "oci:web.oci")
}

// A listing that lies is believed where it is sealed, and found out on request: by
// kiln lock and kiln build, with a lock that is fresh, stale, or not there.
func TestVerifyCacheFindsListings(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build()
	name := s.kept()["listing"][0]
	lock := s.read("web/kiln.lock")
	key := "sha256:" + filepath.Base(name)
	back := s.forge(name, func(v string) string { return strings.ReplaceAll(v, "1.0", "1.9") })
	s.remove("web/kiln.lock")
	s.does("lock", "web")
	if !strings.Contains(s.read("web/kiln.lock"), `"version": "1.9"`) {
		t.Fatalf("the listing is not believed:\n%s", s.read("web/kiln.lock"))
	}
	for _, row := range []struct {
		summary string
		change  func()
	}{
		{"fresh", func() { s.write("web/kiln.lock", lock) }},
		{"stale", func() { s.recipe(withoutBeta()) }},
		{"missing", func() { s.remove("web/kiln.lock") }},
	} {
		row.change()
		for _, args := range []string{"lock web --verify-cache", "lock web --update --verify-cache", "build web --verify-cache"} {
			s.refuses(args, 3, "another result under the key "+key)
		}
	}
	back()
	s.recipe(recipeText)
	s.does("lock", "web", "--verify-cache")
	if diff := cmp.Diff(lock, s.read("web/kiln.lock")); diff != "" {
		t.Errorf("the lock is another (-want +got):\n%s", diff)
	}
	// Without the text there is nothing to compare with, and no network is asked for it.
	for _, path := range s.objects("blobs/sha256") {
		if strings.HasPrefix(s.read(strings.TrimPrefix(path, s.root+"/")), "\x1f\x8b") {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.server.Update(apttest.Site{})
	s.does("lock", "web", "--verify-cache")
}

// Whatever the store keeps, the image is the same to the byte: a cold store and a
// warm one, one that forgot any single class of results, with or without those that
// spare looking for it, one that was cleaned, and one that is not believed.
func TestSameImageWhateverIsKept(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"gzip", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			outputs := []string{"--compression", compression, "-o", "oci:web.oci", "-o", "oci-archive:web.oci.tar", "-o", "tar:web.tar"}
			if compression == "gzip" {
				outputs = append(outputs, "-o", "docker-archive:web.docker.tar")
			}
			want := s.build(outputs...)
			if n := len(want.Images[0].Layers); n != 3 {
				t.Fatalf("%d layers, want those of the recipe and dpkg's", n)
			}
			sound := s.snapshot()
			for _, row := range storeStates(s, t.TempDir()) {
				s.forget() // what a row has lost is kept again
				s.remove("web/kiln.lock")
				s.build(outputs...)
				row.change()
				s.removeOutputs()
				got := s.build(append(row.flags, outputs...)...)
				got.ElapsedMS = want.ElapsedMS
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: the result (-want +got):\n%s", row.summary, diff)
				}
				if diff := cmp.Diff(sound, s.snapshot()); diff != "" {
					t.Errorf("%s: the files (-want +got):\n%s", row.summary, diff)
				}
			}
		})
	}
}

// storeState is what may become of a store between two builds.
type storeState struct {
	summary string
	change  func()
	flags   []string
}

// storeStates lists them; there is room for another store at elsewhere.
func storeStates(s *scene, elsewhere string) []storeState {
	nothing := func() {}
	rows := []storeState{
		{"warm", nothing, nil},
		{"not believed", nothing, []string{"--verify-cache"}},
		{"without marks", func() { s.remove("store/marks") }, nil},
		{"without results", s.forget, nil},
		{"without blobs", func() { s.remove("store/blobs") }, nil},
		{"cleaned of what is old", func() { s.does("store", "gc") }, nil},
		{"cleaned of all", func() { s.does("store", "gc", "--unused-for", "0") }, nil},
		{"another, cold", nothing, []string{"--store", filepath.Join(elsewhere, "cold")}},
		{"without the lock", func() { s.remove("web/kiln.lock") }, nil},
	}
	for _, c := range classes() {
		for _, more := range [][]string{nil, {"image"}, {"image", "layer"}} {
			lost := append([]string{c.name}, more...)
			if !slices.Contains(more, c.name) {
				rows = append(rows, storeState{"without results of " + strings.Join(lost, ", "), func() { s.lose(lost) }, nil})
			}
		}
	}
	return rows
}

// lose removes all results of some classes. Listings are asked for again only
// without the lock.
func (s *scene) lose(classes []string) {
	s.t.Helper()
	kept := s.kept()
	for _, class := range classes {
		if class == "listing" {
			s.remove("web/kiln.lock")
		}
		if len(kept[class]) == 0 {
			s.t.Fatalf("nothing is kept of the class %s", class)
		}
		for _, name := range kept[class] {
			s.remove(name)
		}
	}
}

// removeOutputs removes what builds wrote.
func (s *scene) removeOutputs() {
	s.t.Helper()
	all, err := filepath.Glob(s.path("web.*"))
	if err != nil || len(all) == 0 {
		s.t.Fatalf("no outputs: %v", err)
	}
	for _, path := range all {
		if err := os.RemoveAll(path); err != nil {
			s.t.Fatal(err)
		}
	}
}
