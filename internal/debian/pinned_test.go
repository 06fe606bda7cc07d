package debian_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/bake"
	"kiln/internal/deb/debtest"
	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/patience"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// bench is a family over a synthetic archive and a recipe that wants of it.
type bench struct {
	*apttest.Server
	t        *testing.T
	family   *debian.Family
	recipe   *recipe.Recipe
	platform kiln.Platform

	mu    sync.Mutex
	notes []string
}

func newBench(t *testing.T, s apttest.Suite, packages ...string) *bench {
	t.Helper()
	text := "layers:\n  - name: base\n    packages:\n"
	for _, p := range packages {
		text += "      - " + p + ": why\n"
	}
	return newBenchOf(t, s, text)
}

// newBenchOf is newBench of a recipe from its layers on.
func newBenchOf(t *testing.T, s apttest.Suite, rest string) *bench {
	t.Helper()
	b := &bench{t: t, Server: apttest.Serve(t, apttest.New(s)), platform: kiln.Platform{OS: "linux", Architecture: "amd64"}}
	dir := t.TempDir()
	text := fmt.Sprintf("kiln: v1\nname: web\nversion: \"1\"\nplatforms: [linux/amd64]\nsources:\n  - {name: test, url: %s, suite: stable, keyring: key.asc}\n%s", b.URL, rest)
	for name, content := range map[string]string{"kiln.yaml": text, "key.asc": string(apttest.DefaultKey().Public())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(t.TempDir()+"/store", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if b.recipe, err = recipe.Load(dir); err != nil {
		t.Fatal(err)
	}
	b.family = &debian.Family{Store: st, Now: func() time.Time { return apttest.Now }, Retry: patience.Policy{Attempts: 1}, Sink: b.note}
	return b
}

func (b *bench) note(e kiln.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.State == kiln.Warning {
		b.notes = append(b.notes, e.Text)
	}
}

// lock resolves the recipe anew.
func (b *bench) lock(old *lock.Lock, u bake.Update) *lock.Lock {
	b.t.Helper()
	l, err := b.family.Lock(context.Background(), b.recipe, old, u)
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (b *bench) versions(l *lock.Lock) string {
	var all []string
	for _, p := range l.Platforms[b.platform].Packages {
		all = append(all, p.Name+" "+p.Version)
	}
	return strings.Join(all, ", ")
}

// suite has each package in one version, and bb in need of cc.
func suite(hours int, version string) apttest.Suite {
	spec := func(name string, fields ...string) apttest.Package {
		return apttest.Package{Spec: debtest.Spec{Name: name, Version: version, Architecture: "amd64", Fields: fields}}
	}
	return apttest.Suite{Name: "stable", Date: apttest.Date.Add(time.Duration(hours) * time.Hour), Compress: []string{"gz"},
		Packages: []apttest.Package{spec("aa"), spec("bb", "Depends: cc"), spec("cc")}}
}

// An archive lists a version only until there is a newer one. What is not to move
// stays nevertheless, with what it needs, as long as its file can be had.
func TestPinsOutliveTheIndex(t *testing.T) {
	b := newBench(t, suite(0, "1"), "aa", "bb")
	old := b.lock(nil, bake.Update{})
	site := apttest.New(suite(0, "1"))
	site.Add(suite(1, "2"))
	b.Update(site)
	moved := b.lock(old, bake.Update{Packages: []string{"aa"}})
	if diff := cmp.Diff("aa 2, bb 1, cc 1", b.versions(moved)); diff != "" {
		t.Error(diff)
	}
	if !moved.Archives[0].Pockets[0].Date.After(old.Archives[0].Pockets[0].Date) {
		t.Error("the state of the archive did not move")
	}
	for _, u := range []bake.Update{{}, {Packages: []string{"aa"}}} { // nothing is left to do
		if again := b.lock(moved, u); string(again.Marshal()) != string(moved.Marshal()) {
			t.Errorf("%+v gives another lock:\n%s", u, cmp.Diff(string(moved.Marshal()), string(again.Marshal())))
		}
	}
	if diff := cmp.Diff("aa 2, bb 2, cc 2", b.versions(b.lock(moved, bake.Update{All: true}))); diff != "" {
		t.Error(diff)
	}
	if b.notes != nil {
		t.Errorf("warned: %q", b.notes)
	}
}

// A lock is the same whether the index was parsed for it, was parsed before, or
// has to be parsed again because what was kept of it is damaged.
func TestLockWithAndWithoutListings(t *testing.T) {
	b := newBench(t, suite(0, "1"), "aa", "bb")
	results := filepath.Join(b.family.Store.Dir(), "results")
	var texts []string
	for _, prepare := range []func(string) error{
		func(string) error { return nil },
		func(string) error { return nil },
		func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("damaged"), 0o444))
		},
		os.Remove,
	} {
		err := filepath.WalkDir(results, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return prepare(path)
		})
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b.lock(nil, bake.Update{}).Marshal()))
	}
	for i, text := range texts {
		if diff := cmp.Diff(texts[0], text); diff != "" {
			t.Errorf("time %d (-first +this):\n%s", i, diff)
		}
	}
}

// What no mirror has any more cannot stay, and that is said.
func TestPinIsGone(t *testing.T) {
	b := newBench(t, suite(0, "1"), "aa", "bb")
	old := b.lock(nil, bake.Update{})
	site := apttest.New(suite(1, "2"))
	c := apttest.Package{Spec: debtest.Spec{Name: "cc", Version: "1", Architecture: "amd64"}}
	site[c.Path()] = debtest.Build(c.Spec)
	b.Update(site)
	if diff := cmp.Diff("aa 2, bb 2, cc 1", b.versions(b.lock(old, bake.Update{Packages: []string{"aa"}}))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`cannot keep bb 1: the archive "test/stable" has it no more`}, b.notes); diff != "" {
		t.Error(diff)
	}
}

// A mirror that fails otherwise is an error, not a reason to move.
func TestPinCannotBeHad(t *testing.T) {
	b := newBench(t, suite(0, "1"), "aa", "bb")
	old := b.lock(nil, bake.Update{})
	site := apttest.New(suite(0, "1"))
	site.Add(suite(1, "2"))
	b.Update(site)
	b.Fail("*bb_1_amd64.deb", apttest.Fault{Status: 503})
	_, err := b.family.Lock(context.Background(), b.recipe, old, bake.Update{Packages: []string{"aa"}})
	if err == nil || kiln.CodeOf(err) != kiln.Network || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v", err)
	}
}
