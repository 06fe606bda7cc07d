package bake_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// family is a package family that notes what is asked of it.
type family struct {
	mu      sync.Mutex
	calls   []string
	next    *lock.Lock // what Lock gives
	lockErr error
	old     *lock.Lock // what Lock was given
	update  bake.Update
	root    *bake.Root
	facts   *facts.Facts
}

// note notes a call; platforms are assembled at the same time.
func (f *family) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *family) Lock(_ context.Context, _ *recipe.Recipe, old *lock.Lock, u bake.Update) (*lock.Lock, error) {
	f.note("lock")
	f.old, f.update = old, u
	return f.next, f.lockErr
}

func (f *family) Fetch(context.Context, *recipe.Recipe, *lock.Lock, []kiln.Platform) error {
	f.note("fetch")
	return nil
}

func (f *family) Facts(bake.Subject) (*facts.Facts, error) {
	f.note("facts")
	if f.facts == nil {
		return &facts.Facts{}, nil
	}
	return f.facts, nil
}

func (f *family) Explain(context.Context, *recipe.Recipe, *lock.Lock, kiln.Platform) (*bake.Explanation, error) {
	return &bake.Explanation{Root: *f.root}, nil
}

func (f *family) Assemble(context.Context, *recipe.Recipe, *lock.Lock, kiln.Platform, bake.Early) (*bake.Root, error) {
	f.note("assemble")
	if f.root == nil {
		return nil, nil
	}
	root := *f.root // one for each platform, as they are made at once
	if root.Tree != nil {
		root.Tree = root.Tree.Clone()
	}
	return &root, nil
}

func amd64() kiln.Platform { return kiln.Platform{OS: "linux", Architecture: "amd64"} }

// lockOf is a lock of one package.
func lockOf(version string) *lock.Lock {
	return &lock.Lock{
		Format: lock.Format,
		Archives: []lock.Archive{{Name: "test", Suite: "stable", Pockets: []lock.Pocket{{
			Name: "release", Suite: "stable", Codename: "stable", Release: kiln.DigestOf(nil), Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			Signers: []lock.Signer{{Fingerprint: strings.Repeat("A", 40), Name: "x"}},
		}}}},
		Platforms: map[kiln.Platform]*lock.Platform{amd64(): {Packages: []lock.Package{{
			Name: "alpha", Version: version, Architecture: "amd64", Source: "alpha", Archive: "test/stable", Path: "pool/alpha.deb",
			SHA256: kiln.DigestOf([]byte(version)).Hex(), Size: 1, RequiredBy: []string{"recipe"},
		}}}},
	}
}

// load writes a recipe with one file and reads it.
func load(t *testing.T, name string) *recipe.Recipe {
	t.Helper()
	dir := t.TempDir()
	text := "kiln: v1\nname: " + name + "\nplatforms: [linux/amd64]\nlayers:\n  - name: base\n    files:\n      - {path: /x, from: file, why: x}\n"
	for file, content := range map[string]string{"kiln.yaml": text, "file": "content"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r, err := recipe.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Lock asks the family only where it must, and writes only what changed.
func TestLock(t *testing.T) {
	all, some := bake.Update{All: true}, bake.Update{Packages: []string{"alpha"}}
	rows := []struct {
		summary string
		have    string // version in the lock that is there; "" is none
		stale   bool   // it answers another recipe
		locked  bool
		update  bake.Update
		next    string // version that the family finds; "" is an error
		asked   bool
		written bool
		err     string
	}{
		{summary: "none", next: "1", asked: true, written: true},
		{summary: "none, and none to be had", asked: true, err: "no network"},
		{summary: "none, and must be there", locked: true, err: "there is no lock at"},
		{summary: "fresh", have: "1"},
		{summary: "fresh, and must be", have: "1", locked: true},
		{summary: "stale", have: "1", stale: true, next: "2", asked: true, written: true},
		{summary: "stale, and none to be had", have: "1", stale: true, asked: true, err: "no network"},
		{summary: "stale, and must not be", have: "1", stale: true, locked: true, err: "is stale"},
		{summary: "update", have: "1", update: all, next: "2", asked: true, written: true},
		{summary: "update of one", have: "1", update: some, next: "2", asked: true, written: true},
		{summary: "update to the same", have: "1", update: all, next: "1", asked: true},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			r := load(t, "web")
			wants, err := r.Wants()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(filepath.Dir(r.Path()), "kiln.lock")
			f := &family{lockErr: errors.New("no network")}
			if row.next != "" {
				f.next, f.lockErr = lockOf(row.next), nil
			}
			var before string
			if row.have != "" {
				old := lockOf(row.have)
				if old.Wants = wants; row.stale {
					old.Wants = kiln.DigestOf(nil)
				}
				before = string(old.Marshal())
				if err := old.Save(path); err != nil {
					t.Fatal(err)
				}
			}
			res, err := bake.Lock(context.Background(), bake.LockOptions{Family: f, Recipe: r, Path: path, Locked: row.locked, Update: row.update})
			if row.err == "" && err != nil || row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)) {
				t.Fatalf("error %v, want %q", err, row.err)
			}
			if asked := f.calls != nil; asked != row.asked {
				t.Errorf("family asked: %v, want %v", asked, row.asked)
			}
			if row.asked && (f.old == nil) != (row.have == "") || row.asked && !cmp.Equal(f.update, row.update) {
				t.Errorf("the family was given %v, %+v", f.old, f.update)
			}
			after, err := os.ReadFile(path)
			if err != nil && row.written {
				t.Fatal(err)
			}
			if changed := string(after) != before; changed != row.written {
				t.Errorf("file changed: %v, want %v", changed, row.written)
			}
			if row.err == "" && (res.Written != row.written || res.Lock.Wants != wants) {
				t.Errorf("result %+v", res)
			}
		})
	}
}

// options are those of a build of r to the given outputs.
func options(t *testing.T, f *family, r *recipe.Recipe, outputs ...bake.Output) bake.Options {
	t.Helper()
	st, err := store.Open(t.TempDir()+"/store", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return bake.Options{
		Lock:  bake.LockOptions{Family: f, Recipe: r, Path: filepath.Join(filepath.Dir(r.Path()), "kiln.lock")},
		Store: st, Platforms: r.Platforms, Outputs: outputs, Compression: oci.Gzip, Native: amd64(),
	}
}

// What would stop a build at its end is found out before the family is asked.
func TestBuildChecksFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	at := func(kind bake.OutputType, name string) bake.Output {
		return bake.Output{Type: kind, Path: filepath.Join(dir, name)}
	}
	for _, row := range []struct {
		summary string
		change  func(*bake.Options)
		err     string
	}{
		{"a file in the way", func(o *bake.Options) { o.Outputs = []bake.Output{at(bake.OCI, "ok"), at(bake.OCI, "file")} }, "something that is not a folder is there"},
		{"a folder in the way", func(o *bake.Options) { o.Outputs = []bake.Output{at(bake.Tar, "")} }, "something that is not a file is there"},
		{"two at one place", func(o *bake.Options) { o.Outputs = []bake.Output{at(bake.OCI, "x"), at(bake.Tar, "./x")} }, "two outputs to one place"},
		{"zstd for docker", func(o *bake.Options) {
			o.Outputs, o.Compression = []bake.Output{at(bake.DockerArchive, "x")}, oci.Zstd
		}, "not compressed with gzip"},
		{"no platform to choose", func(o *bake.Options) {
			arm, s390 := kiln.Platform{OS: "linux", Architecture: "arm64"}, kiln.Platform{OS: "linux", Architecture: "s390x"}
			o.Outputs, o.Platforms = []bake.Output{at(bake.Tar, "x")}, []kiln.Platform{arm, s390}
		}, "it holds one platform of 2"},
		{"a file of the recipe that is gone", func(o *bake.Options) {
			if err := os.Remove(filepath.Join(filepath.Dir(o.Lock.Recipe.Path()), "file")); err != nil {
				t.Fatal(err)
			}
		}, `cannot read "file" in the recipe's folder: no such file or directory`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			f := &family{next: lockOf("1")}
			o := options(t, f, load(t, "web"))
			row.change(&o)
			_, err := bake.Build(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("error %v, want %q", err, row.err)
			}
			if f.calls != nil {
				t.Errorf("the family was asked: %q", f.calls)
			}
		})
	}
}

// A build asks the family for each step once, in order, and reports what it made.
func TestBuild(t *testing.T) {
	contents := tree.Bytes{}
	e := tree.Entry{Path: "x", Type: tree.File, Mode: 0o644, Size: 7, Content: contents.Add([]byte("content"))}
	layer := tree.Layer{Name: "base", Members: []tree.Member{{Name: "kiln", Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}, e}}}}
	root := tree.New()
	if err := root.Apply(layer); err != nil {
		t.Fatal(err)
	}
	f := &family{next: lockOf("1"), root: &bake.Root{Layers: []tree.Layer{layer}, Tree: root, Contents: contents, Story: bake.Story{Packages: []bake.Package{{Name: "alpha"}}}}}
	out := bake.Output{Type: bake.OCI, Path: filepath.Join(t.TempDir(), "web.oci")}
	o := options(t, f, load(t, "web"), out)
	res, err := bake.Build(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lock", "fetch", "assemble"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	index, err := os.ReadFile(filepath.Join(out.Path, "index.json"))
	if err != nil || !strings.Contains(string(index), `"digest":"`+string(res.Index)+`"`) {
		t.Errorf("index.json is %s, reported %s, %v", index, res.Index, err)
	}
	img := res.Images[0]
	if img.Tree != root.Digest() || img.Packages != 1 || len(img.Layers) != 1 || img.Size != img.Layers[0].Size || res.Output != out.Path {
		t.Errorf("%+v", res)
	}
}

func (f *family) Boot(context.Context, *lock.Lock, kiln.Platform, *bake.Root) (*tree.Tree, tree.Contents, error) {
	return nil, nil, errors.New("nothing boots here")
}
