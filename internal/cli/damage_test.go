package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
)

// objects lists the files of the store below a folder, by path.
func (s *scene) objects(below string) []string {
	s.t.Helper()
	all, err := filepath.Glob(s.path("store/" + below + "/*/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// flip changes one bit in the middle of a file that may be read-only.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 4
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// Each object of a store, whatever it is, is flipped by one bit in turn. A build
// then either gives the right image or refuses with the name of the object, and
// the next one gives the right image. Each is tried against a warm build, where
// most objects are not even read, and against one whose results were lost, which
// reads what it can.
func TestStoreObjectFlipped(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build("-o", "oci-archive:web.tar")
	whole := s.read("web.tar")
	blobs, results := s.objects("blobs/sha256"), s.objects("results")
	if len(blobs) < 12 || len(results) < 8 {
		t.Fatalf("only %d blobs and %d results", len(blobs), len(results))
	}
	refused := 0
	for _, path := range append(blobs, results...) {
		refused += s.recovers(path, want, whole)
	}
	for _, path := range blobs {
		s.forget()
		refused += s.recovers(path, want, whole)
	}
	if refused < 4 {
		t.Errorf("only %d of the damaged objects were ever read", refused)
	}
}

// forget loses the results, but not the blobs.
func (s *scene) forget() {
	s.t.Helper()
	for _, r := range s.objects("results") {
		if err := os.Remove(r); err != nil {
			s.t.Fatal(err)
		}
	}
}

// recovers flips a bit of an object and builds until it works, which must be at
// the second time. It gives how often it did not, and puts the object back.
func (s *scene) recovers(path string, want report, whole string) int {
	s.t.Helper()
	name := filepath.Base(path)
	sound, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	flip(s.t, path)
	s.remove("web.tar")
	refused := 0
	args := []string{"build", "web", "--json", "-o", "oci-archive:web.tar"}
	o := s.kiln(args...)
	if o.status != 0 {
		refused++
		s.expect("kiln build", o, 3, name, "is damaged", "it was set aside", "try: run the same command again")
		s.idle("kiln build")
		o = s.does(args...)
	}
	if got := decode(s.t, o.stdout); got.Index != want.Index {
		s.t.Errorf("%s flipped: index %s, want %s", name, got.Index, want.Index)
	}
	if s.read("web.tar") != whole {
		s.t.Errorf("%s flipped: another web.tar", name)
	}
	if err := os.RemoveAll(path); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, sound, 0o444); err != nil {
		s.t.Fatal(err)
	}
	return refused
}

// kiln store verify finds every flipped blob and says so with status 3.
func TestStoreVerify(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	s.does("store", "verify")
	blobs := s.objects("blobs/sha256")
	for _, path := range blobs {
		flip(t, path)
	}
	o := s.kiln("store", "verify")
	if o.status != 3 || !strings.Contains(o.stderr, "were damaged and have been set aside") || !strings.Contains(o.stderr, "try: build again") {
		t.Errorf("%s", o)
	}
	for _, path := range blobs {
		if !strings.Contains(o.stdout, filepath.Base(path)) {
			t.Errorf("does not name %s", path)
		}
	}
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// A blob whose end is lost, one that is empty, and one that is gone.
func TestStoreObjectCut(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	cuts := map[string]func(string) error{
		"emptied": func(p string) error { return os.Truncate(p, 0) },
		"removed": os.Remove,
	}
	for _, how := range []string{"emptied", "removed"} {
		for _, path := range s.objects("blobs/sha256") {
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := cuts[how](path); err != nil {
				t.Fatal(err)
			}
		}
		o := s.kiln("build", "web", "--json")
		if o.status != 0 { // one is named; all at once are found by asking
			s.expect("kiln build", o, 3, "is damaged", "try: run the same command again", "try: or look for more of it: kiln store verify")
			s.kiln("store", "verify")
			o = s.does("build", "web", "--json")
		}
		if got := decode(t, o.stdout); got.Index != want.Index {
			t.Errorf("%s: index %s, want %s", how, got.Index, want.Index)
		}
	}
}

// The same for what a lock was made from: the Release and its index.
func TestStoreStateFlipped(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	first := s.read("web/kiln.lock")
	all := append(s.objects("blobs/sha256"), s.objects("results")...)
	if len(all) < 2 {
		t.Fatalf("only %d objects", len(all))
	}
	for _, path := range all {
		for _, args := range []string{"lock web", "lock web --update"} {
			s.recipe(recipeText)
			s.write("web/kiln.lock", first)
			s.recipe(withoutBeta())
			flip(t, path)
			if o := s.kiln(strings.Fields(args)...); o.status != 0 {
				s.expect("kiln "+args, o, 3, filepath.Base(path), "is damaged", "try: run the same command again")
				if s.read("web/kiln.lock") != first {
					t.Errorf("kiln %s changed the lock", args)
				}
				s.does(strings.Fields(args)...)
			}
			s.locked(set{"alpha": "1.0", "libalpha": "1.0"})
			s.does("lock", "web", "--update")
			if o := s.kiln("store", "verify"); o.status != 0 { // what was not read
				s.does("lock", "web", "--update")
			}
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("not had again: %v", err)
			}
		}
	}
}
