package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// ofTwo are the contents of two packages, and one that is in none: those in the
// packages' order, then that one.
func ofTwo(t *testing.T) (*contents, map[kiln.Digest]string, []kiln.Digest, string) {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c := &contents{store: st, pieces: map[kiln.Digest]piece{}, made: tree.Bytes{}}
	texts := map[kiln.Digest]string{}
	var order []kiln.Digest
	for _, name := range []string{"one", "two"} {
		var entries []debtest.Entry
		for i, size := range []int{10, 0, sequenceWindow - 5, 100, sequenceWindow + 1, sequenceWindow, 3} {
			text := strings.Repeat(fmt.Sprint(name, i), size)[:size]
			entries = append(entries, debtest.Entry{Path: fmt.Sprintf("usr/%s%d", name, i), Content: text})
			texts[kiln.DigestOf([]byte(text))] = text
		}
		deb := debtest.Build(debtest.Spec{Entries: entries})
		ix, err := unpackDeb(st, bytes.NewReader(deb), int64(len(deb)), 1)
		if err != nil {
			t.Fatal(err)
		}
		c.add(ix)
		for i := range ix.Entries {
			if ix.Entries[i].Type == tree.File {
				order = append(order, ix.Entries[i].Content)
			}
		}
	}
	made := c.made.Add([]byte("of a script"))
	texts[made] = "of a script"
	return c, texts, append(order, made), dir
}

func readOne(c tree.Contents, d kiln.Digest) (string, error) {
	r, err := c.OpenContent(d)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// A sequence has what its contents have, in whatever order they are read.
func TestSequenceReadsWhatItsContentsHold(t *testing.T) {
	c, texts, order, _ := ofTwo(t)
	backward := slices.Clone(order)
	slices.Reverse(backward)
	var mixed []kiln.Digest
	for i := range order {
		mixed = append(mixed, order[i], backward[i])
	}
	for name, list := range map[string][]kiln.Digest{"forward": order, "backward": backward, "mixed": mixed} {
		s := tree.InSequence(c)
		for i, d := range list {
			if got, err := readOne(s, d); err != nil || got != texts[d] {
				t.Errorf("%s, number %d: %d bytes, %v, want %d", name, i, len(got), err, len(texts[d]))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.OpenContent(kiln.DigestOf([]byte("nowhere"))); err == nil {
			t.Error("what is nowhere was opened")
		}
	}
}

// What is not as it was stored is handed out by no sequence, and set aside.
func TestSequenceFindsDamage(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":       func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"a short end": func(b []byte) []byte { return b[:len(b)-1] },
	} {
		c, _, order, dir := ofTwo(t)
		last := order[len(order)-2] // of a package
		blob := c.pieces[last].blob
		path := filepath.Join(dir, "blobs", "sha256", blob.Hex()[:2], blob.Hex())
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s := tree.InSequence(c)
		if _, err := readOne(s, last); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if c.store.Has(blob) {
			t.Errorf("%s: the blob is still there", name)
		}
	}
}
