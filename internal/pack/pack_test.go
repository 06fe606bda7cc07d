package pack_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/pack"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

const recipeText = `kiln: v1
name: web
platforms: [linux/amd64]
layers:
  - name: base
    files:
      - {path: /etc/a, from: a, why: a file}
      - {path: /srv, from: site, why: a folder}
`

func newStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// made is the tar of a pack without packages, and what it is made of.
func made(t testing.TB) ([]byte, *pack.Contents) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"kiln.yaml": recipeText, "a": "content\n", "site/b": "page\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r, err := recipe.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	wants, err := r.Wants()
	if err != nil {
		t.Fatal(err)
	}
	l := &lock.Lock{Format: lock.Format, Wants: wants, Platforms: map[kiln.Platform]*lock.Platform{r.Platforms[0]: {}}}
	st := newStore(t)
	c, err := pack.Make(st, pack.Of{Recipe: r, Lock: l, Name: "latest.pack"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "out.tar")
	if err := c.Write(context.Background(), st, file, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

// Whatever is read, what is accepted is the pack, with all its blobs right; and what
// is refused is refused with a hint, and leaves no folder behind.
func FuzzOpen(f *testing.F) {
	good, want := made(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte("recipe/site"), []byte("recipe/../x"), 1))
	f.Add([]byte{})
	st := newStore(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "pack.tar")
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
		p, err := pack.Open(context.Background(), st, file, nil)
		if err == nil {
			if p.Digest == want.Digest {
				if diff := cmp.Diff(want.Inputs, p.Inputs); diff != "" {
					t.Errorf("(-made +read):\n%s", diff)
				}
			}
			for _, in := range p.Inputs {
				if content, err := st.ReadAll(in.Digest); err != nil || int64(len(content)) != in.Size {
					t.Errorf("%s: %d bytes, %v", in.Title, len(content), err)
				}
			}
			p.Close()
		}
		var e *kiln.Error
		if err != nil && (!errors.As(err, &e) || len(kiln.HintsOf(err)) == 0 && kiln.CodeOf(err) == kiln.Refused) {
			t.Errorf("refused without a hint: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(st.Dir(), "folders", ".*")); left != nil {
			t.Errorf("left %q", left)
		}
	})
}

// A pack is read as it was written, and its recipe and lock are those that were packed.
func TestOpen(t *testing.T) {
	b, want := made(t)
	file := filepath.Join(t.TempDir(), "pack.tar")
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	var told []string
	p, err := pack.Open(context.Background(), newStore(t), file, func(e kiln.Event) {
		if e.State == kiln.Warning || e.State == kiln.Finished {
			told = append(told, e.Subject+e.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Digest != want.Digest || p.Size != want.Size || p.Recipe.Name != "web" || p.Recipe.Path() != file+"/kiln.yaml" {
		t.Errorf("read %+v", p)
	}
	if diff := cmp.Diff([]string{"recipe/kiln.yaml", "recipe/a", "recipe/site"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got, err := p.Recipe.ReadFile("site/b"); err != nil || string(got) != "page\n" {
		t.Errorf("site/b is %q, %v", got, err)
	}
}

// A pack that cannot be opened says why.
func TestOpenNothing(t *testing.T) {
	st := newStore(t)
	ctx := context.Background()
	if _, err := pack.Open(ctx, st, filepath.Join(t.TempDir(), "none.tar"), nil); kiln.CodeOf(err) != kiln.User || len(kiln.HintsOf(err)) != 1 {
		t.Errorf("no file: %v", err)
	}
	if _, err := pack.Open(ctx, st, os.DevNull, nil); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("a device: %v", err)
	}
	if _, err := pack.Open(ctx, st, t.TempDir(), nil); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("an empty folder: %v", err)
	}
	b, _ := made(t)
	file := filepath.Join(t.TempDir(), "pack.tar")
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := pack.Open(ctx, newStore(t), file, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestTitles(t *testing.T) {
	for _, row := range []struct{ got, want string }{
		{pack.InArchive("debian/trixie", "dists/trixie/InRelease"), "archives/debian/trixie/dists/trixie/InRelease"},
		{pack.InArchive("vendor/./", "InRelease"), "archives/vendor/._/InRelease"},
		{pack.InArchive("vendor/a/b", "dists/a/b/InRelease"), "archives/vendor/a_b/dists/a/b/InRelease"},
		{pack.KeysOf("debian/trixie-security"), "keys/debian/trixie-security.asc"},
	} {
		if row.got != row.want {
			t.Errorf("%q, want %q", row.got, row.want)
		}
	}
}
