package rootfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/store"
)

func TestMemo(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	key, other := kiln.DigestOf([]byte("key")), kiln.DigestOf([]byte("other"))
	content := []byte("compiled")
	if _, _, ok := rootfs.NewMemo(st, "one").Recall(key); ok {
		t.Error("it recalls what nobody kept")
	}
	kept, err := rootfs.NewMemo(st, "one").Keep(key, content)
	if err != nil || kept != kiln.DigestOf(content) {
		t.Fatalf("%s, %v", kept, err)
	}
	for _, row := range []struct {
		summary, build string
		key            kiln.Digest
		want           bool
	}{{"the same", "one", key, true}, {"another build of kiln", "two", key, false}, {"another key", "one", other, false}} {
		got, size, ok := rootfs.NewMemo(st, row.build).Recall(row.key)
		if ok != row.want || ok && (got != kept || size != int64(len(content))) {
			t.Errorf("%s: %s, %d, %v", row.summary, got, size, ok)
		}
	}

	st.Redo()
	if _, _, ok := rootfs.NewMemo(st, "one").Recall(key); ok {
		t.Error("it recalls what is to be done again")
	}
	if _, err := rootfs.NewMemo(st, "one").Keep(key, []byte("something else")); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("done again with another result: %v", err)
	}
	if _, err := rootfs.NewMemo(st, "one").Keep(key, content); err != nil {
		t.Errorf("done again with the same result: %v", err)
	}
	if _, _, ok := rootfs.NewMemo(st, "one").Recall(key); !ok {
		t.Error("it does not recall what was done again")
	}
}

// compiling is an image whose script compiles the hardware database.
func compiling(t *testing.T) *bench {
	t.Helper()
	r := &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants("udev")}}}
	r.Groups = []recipe.Group{{Name: "one", GID: 5000, Why: "test"}}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "udev", Version: "257.1-1", Scripts: postinst("systemd-hwdb --usr update"), Entries: []debtest.Entry{
		{Path: "usr/bin/systemd-hwdb", Content: "a program", Mode: 0o755},
		{Path: "usr/lib/udev/hwdb.d/20-a.hwdb", Content: "m:a\n KEY=packaged\n"},
	}})
	b.in.Build = "one"
	return b
}

// What was compiled is the same whether it was at hand or not, whole or not.
func TestCompiledOnce(t *testing.T) {
	b := compiling(t)
	blob := filepath.Join(b.store.Dir(), "blobs/sha256")
	compiled := func() string {
		b.Helper()
		e, ok := b.assemble().Tree.Lookup("usr/lib/udev/hwdb.bin")
		if !ok {
			b.Fatal("nothing was compiled")
		}
		return filepath.Join(blob, e.Content.Hex()[:2], e.Content.Hex())
	}
	if got := b.configurings(); got != "base done" {
		t.Fatal(got)
	}
	path := compiled()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatalf("it is not kept: %v", err)
	}
	b.in.Recipe.Groups[0].Why = "another"
	if got := b.configurings(); got != "base done" {
		t.Errorf("after an edit: %s", got)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was made again: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := b.configurings(); got != "base done" {
		t.Errorf("with what was compiled gone: %s", got)
	}
	b.in.Recipe.Groups[0].Why = "a third"
	if got := b.configurings(); got != "base done" {
		t.Errorf("after another edit: %s", got)
	}
	if got := b.configurings(); got != "base known" {
		t.Errorf("again: %s", got)
	}
	b.store.Redo()
	if got := b.configurings(); got != "base done" {
		t.Errorf("all done again: %s", got)
	}
}
