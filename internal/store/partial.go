package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kiln"
)

// Keep ends the writer, and keeps what it has as the beginning of the blob want, for
// Resume; perhaps of another process, on another day. That it cannot costs time and
// nothing else.
func (w *Writer) Keep(want kiln.Digest) {
	defer w.Discard()
	path, err := w.store.partialPath(want)
	if err != nil || w.temp == nil || w.buf.Flush() != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(path), 0o777) == nil && w.temp.Rename(path) == nil {
		w.temp = nil
	}
}

// Digest is that of what was written so far.
func (w *Writer) Digest() kiln.Digest { return w.sum.Digest() }

// Resume is Create of the blob want, with what Keep left of it written already: how many
// bytes, it returns. Nobody has vouched for them; Commit tells whether the whole is right.
func (s *Store) Resume(want kiln.Digest) (*Writer, int64, error) {
	path, err := s.partialPath(want)
	if err != nil {
		return nil, 0, err
	}
	w, err := s.Create()
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return w, 0, nil
	}
	defer f.Close()
	// Whoever takes its name away has it for himself.
	if err := os.Remove(path); err != nil {
		return w, 0, nil
	}
	n, err := io.Copy(w, f)
	if err != nil {
		w.Discard()
		return nil, 0, fmt.Errorf("cannot go on with a part of %s: %w", want, err)
	}
	return w, n, nil
}

func (s *Store) partialPath(d kiln.Digest) (string, error) {
	if _, err := kiln.ParseDigest(string(d)); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, partialDir, d.Hex()), nil
}
