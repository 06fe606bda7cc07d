package oci_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// bigLayer has directories and a member for each name, of some hundred kilobytes that
// are the name's own, and small ones behind them.
func bigLayer(contents tree.Bytes, names ...string) tree.Layer {
	l := tree.Layer{Name: "base", Epoch: epoch, Members: []tree.Member{
		{Name: "directories", Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755, ModTime: epoch}}},
	}}
	for _, name := range names {
		seed := sha256.Sum256([]byte(name))
		content := make([]byte, 200<<10+int(seed[0])<<7)
		if strings.HasPrefix(name, "small") {
			content = content[:100]
		}
		_, _ = rand.NewChaCha8(seed).Read(content)
		e := tree.Entry{Path: "file-of-" + name, Type: tree.File, Mode: 0o644, ModTime: epoch, Size: int64(len(content)), Content: contents.Add(content)}
		other := tree.Entry{Path: "other-of-" + name, Type: tree.Symlink, Mode: 0o777, ModTime: epoch, Link: name}
		l.Members = append(l.Members, tree.Member{Name: name, Entries: []tree.Entry{e, other}})
	}
	return l
}

// A layer that begins as the last one of its line did gives the bytes that it gives
// where nothing is known of it, whatever became of the rest, whatever was expected
// to stay, and whether the blob's beginning was written before.
func TestLayersGoOnFromTheLastOne(t *testing.T) {
	contents := tree.Bytes{}
	all := []string{"a", "b", "c", "d", "small1", "small2", "e", "f", "small3"}
	rows := map[string][]string{
		"nothing":       all,
		"the first":     append([]string{"A"}, all[1:]...),
		"in the middle": append(append(slices.Clone(all[:3]), "D"), all[4:]...),
		"a small one":   append(append(slices.Clone(all[:5]), "small9"), all[6:]...),
		"the last":      append(slices.Clone(all[:8]), "small9"),
		"one less":      append(slices.Clone(all[:2]), all[3:]...),
		"one more":      append(append(slices.Clone(all[:6]), "new"), all[6:]...),
		"shorter":       all[:4],
		"longer":        append(slices.Clone(all), "g", "h"),
		"another order": {"b", "a", "c", "d", "small1", "e", "f"},
		"none":          {},
	}
	stays := map[string]func(string) bool{
		"all":     func(string) bool { return true },
		"not c":   func(name string) bool { return name != "c" },
		"no hint": nil,
	}
	for what, names := range rows {
		for _, comp := range []oci.Compression{oci.Gzip, oci.Zstd} {
			if comp == oci.Zstd && what != "in the middle" {
				continue
			}
			want := buildLine(t, openStore(t), bigLayer(contents, names...), contents, oci.LayerOptions{Compression: comp})
			for expected, hint := range stays {
				t.Run(fmt.Sprintf("%s, %s, %s stay", comp, what, expected), func(t *testing.T) {
					st := openStore(t)
					o := oci.LayerOptions{Compression: comp, Line: "web base", Spool: true, Reason: "one"}
					buildLine(t, st, bigLayer(contents, all...), contents, o)
					o.Reason = "two"
					if hint != nil {
						o.Prejoined = oci.Prejoin(t.Context(), st, o, hint)
						defer o.Prejoined.Close()
					}
					if got := buildLine(t, st, bigLayer(contents, names...), contents, o); got != want {
						t.Errorf("got  %s\nwant %s", got, want)
					}
					// And once more, from what that left.
					o.Reason, o.Prejoined = "three", nil
					if got := buildLine(t, st, bigLayer(contents, append(slices.Clone(names), "end")...), contents, o); got != buildLine(t, openStore(t), bigLayer(contents, append(slices.Clone(names), "end")...), contents, oci.LayerOptions{Compression: comp}) {
						t.Errorf("the next one: got %s", got)
					}
				})
			}
		}
	}
}

// buildLine builds a layer, and checks that what is written of it is what it says; it returns
// what it says.
func buildLine(t *testing.T, st *store.Store, l tree.Layer, c tree.Contents, o oci.LayerOptions) string {
	t.Helper()
	built, err := oci.BuildLayer(t.Context(), st, l, c, o)
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	m, err := oci.Assemble(st, []oci.Layer{built}, oci.Config{Platform: amd64(), Created: epoch}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := oci.WriteLayout(t.Context(), st, indexOf(t, st, m), dir, nil); err != nil {
		t.Fatal(err)
	}
	blob, err := os.ReadFile(filepath.Join(dir, "blobs", "sha256", built.Digest.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	if got := kiln.DigestOf(blob); got != built.Digest || int64(len(blob)) != built.Size {
		t.Errorf("the blob is %s of %d bytes, said were %s and %d", got, len(blob), built.Digest, built.Size)
	}
	return fmt.Sprint(built.Digest, built.DiffID, built.Size, built.Uncompressed)
}

// What is remembered of the last layer and is damaged, or not to be trusted, costs
// time and nothing else; and so does a member that is damaged.
func TestLastLayerIsDamaged(t *testing.T) {
	contents := tree.Bytes{}
	before, after := bigLayer(contents, "a", "b", "c"), bigLayer(contents, "a", "b", "C")
	want := buildLine(t, openStore(t), after, contents, oci.LayerOptions{Compression: oci.Gzip})
	o := oci.LayerOptions{Compression: oci.Gzip, Line: "web base", Spool: true}
	for name, damage := range map[string]func(st *store.Store){
		"mark":    func(st *store.Store) { scribble(t, filepath.Join(st.Dir(), "marks")) },
		"no mark": func(st *store.Store) { os.RemoveAll(filepath.Join(st.Dir(), "marks")) },
	} {
		t.Run(name, func(t *testing.T) {
			st := openStore(t)
			buildLine(t, st, before, contents, o)
			damage(st)
			o := o
			o.Reason = "two"
			o.Prejoined = oci.Prejoin(t.Context(), st, o, func(string) bool { return true })
			defer o.Prejoined.Close()
			if got := buildLine(t, st, after, contents, o); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	t.Run("member", func(t *testing.T) {
		st := openStore(t)
		first, err := oci.BuildLayer(t.Context(), st, before, contents, o)
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
		scribble(t, filepath.Join(st.Dir(), "blobs", "sha256", first.Members[1].Digest.Hex()[:2], first.Members[1].Digest.Hex()))
		o := o
		o.Reason = "two"
		o.Prejoined = oci.Prejoin(t.Context(), st, o, func(string) bool { return true })
		defer o.Prejoined.Close()
		if built, err := oci.BuildLayer(t.Context(), st, after, contents, o); err == nil { // it was found damaged in time, and is made again
			built.Close()
			if got := fmt.Sprint(built.Digest, built.DiffID, built.Size, built.Uncompressed); got != want {
				t.Error("a damaged member went into a layer")
			}
		}
		o.Prejoined.Close()
		o.Prejoined = nil
		if got := buildLine(t, st, after, contents, o); got != want { // the damaged one is set aside now
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// scribble changes a byte in the middle of a file, or of each file below a folder.
func scribble(t *testing.T, path string) {
	t.Helper()
	found := 0
	err := filepath.Walk(path, func(p string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		found++
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		if err := os.Chmod(p, 0o600); err != nil {
			return err
		}
		return os.WriteFile(p, b, 0o600)
	})
	if err != nil || found == 0 {
		t.Fatalf("nothing to damage in %s: %v", path, err)
	}
}

// What was written of a layer before it was known, and is not used, is gone when it
// is closed.
func TestPrejoinedLeavesNothing(t *testing.T) {
	contents := tree.Bytes{}
	st := openStore(t)
	o := oci.LayerOptions{Compression: oci.Gzip, Line: "web base", Spool: true}
	buildLine(t, st, bigLayer(contents, "a", "b", "c"), contents, o)
	if p := oci.Prejoin(t.Context(), st, o, func(string) bool { return true }); p != nil {
		t.Error("a layer made for the same reasons is written beforehand")
	}
	o.Reason = "two"
	p := oci.Prejoin(t.Context(), st, o, func(string) bool { return true })
	if p == nil {
		t.Fatal("nothing is written beforehand")
	}
	p.Close()
	p.Close()
	noLeftovers(t, filepath.Join(st.Dir(), "staging"))
}

// Between two states of a layer that the store both has, one may go back and forth:
// nothing is written beforehand, once that was in vain.
func TestPrejoinedInVain(t *testing.T) {
	contents := tree.Bytes{}
	st := openStore(t)
	states := map[kiln.Digest]tree.Layer{"one": bigLayer(contents, "a", "b", "c"), "two": bigLayer(contents, "a", "b", "C")}
	begun := 0
	build := func(reason kiln.Digest) {
		o := oci.LayerOptions{Compression: oci.Gzip, Line: "web base", Spool: true, Reason: reason}
		if o.Prejoined = oci.Prejoin(t.Context(), st, o, func(string) bool { return true }); o.Prejoined != nil {
			begun++
		}
		defer o.Prejoined.Close()
		buildLine(t, st, states[reason], contents, o)
	}
	build("one")
	build("two")
	if begun != 1 {
		t.Fatalf("begun beforehand %d times, want 1", begun)
	}
	for range 3 {
		build("one")
		build("two")
	}
	if begun != 1 {
		t.Errorf("begun %d times in vain", begun-1)
	}
	states["three"] = states["one"] // for another reason the same
	build("three")
	build("three")
	if begun != 2 {
		t.Errorf("begun %d times, want 2", begun)
	}
	noLeftovers(t, filepath.Join(st.Dir(), "staging"))
}
