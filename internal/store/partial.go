package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kiln"
)

// Resume is Create of the blob want, in a file of its own: what was written to that and
// neither discarded nor committed, by whoever and on whatever day, also by one that was
// killed, is written already: how many bytes, it returns. Nobody has vouched for them;
// Commit tells whether the whole is right. Where another writes that file, in this or
// another process, Resume is Create alone.
func (s *Store) Resume(want kiln.Digest) (*Writer, int64, error) {
	if _, err := kiln.ParseDigest(string(want)); err != nil {
		return nil, 0, err
	}
	path := filepath.Join(s.dir, partialDir, want.Hex())
	w, err := s.reopen(path)
	if err != nil || w == nil {
		w, err := s.Create()
		return w, 0, err
	}
	n, err := io.Copy(w.sum, io.NewSectionReader(w.temp, 0, 1<<62))
	if err != nil { // of a bad disk: another part of it may do
		w.Discard()
		w, err := s.Create()
		return w, 0, err
	}
	w.size = n
	return w, n, nil
}

// DropPart removes what a Resume of the blob left that was cut, unless somebody goes on with it:
// for who finds that the blob is there.
func (s *Store) DropPart(d kiln.Digest) {
	path := filepath.Join(s.dir, partialDir, d.Hex())
	if _, err := os.Lstat(path); err != nil {
		return
	}
	if w, err := s.reopen(path); err == nil && w != nil {
		w.Discard()
	}
}

// reopen opens the file for a part; it is nil where another has it.
func (s *Store) reopen(path string) (*Writer, error) {
	s.sweep.RLock()
	defer s.sweep.RUnlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	t, ok, err := s.disk.Reopen(path)
	if err != nil || !ok {
		return nil, err
	}
	w := s.writer(t)
	w.part = true
	return w, nil
}

// Keep ends the writer, and keeps what it has, if it came from Resume, for the next one. That
// it cannot costs time and nothing else.
func (w *Writer) Keep() {
	defer w.Discard()
	if w.temp == nil || !w.part || w.buf.Flush() != nil {
		return
	}
	if w.temp.Leave() == nil {
		w.temp = nil
	}
}

// Reset drops what was written so far.
func (w *Writer) Reset() error {
	w.buf.Reset(w.temp)
	w.sum, w.size = kiln.NewDigester(), 0
	if err := w.temp.Truncate(0); err != nil {
		return w.problem(fmt.Errorf("cannot begin anew: %w", err))
	}
	return nil
}

// Digest is that of what was written so far.
func (w *Writer) Digest() kiln.Digest { return w.sum.Digest() }
