package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"kiln/internal/durable"
)

// spoolMode is the mode of a spool: what it becomes is the caller's to change.
const spoolMode = 0o644

// Spool is a file that was written beside the blobs, on its way to a place outside
// of the store. It is on the disk, and ends with Move or Discard.
type Spool struct {
	temp *durable.Temp // nil after the end
}

// SpoolWriter takes in a spool, past the page cache where the system can. It is used by
// one goroutine, and ends with Spool or Discard.
type SpoolWriter struct {
	store *Store
	temp  *durable.Temp // nil after the end
	bulk  *durable.Bulk
}

// CreateSpool begins a spool. Its digest is the caller's to take.
func (s *Store) CreateSpool() (*SpoolWriter, error) {
	t, err := s.stage()
	if err != nil {
		return nil, s.problem(fmt.Errorf("cannot begin a spool in the store: %w", err))
	}
	bulk, err := durable.NewBulk(t)
	if err != nil {
		t.Discard()
		return nil, s.problem(fmt.Errorf("cannot begin a spool in the store: %w", err))
	}
	return &SpoolWriter{s, t, bulk}, nil
}

// Write appends b to the spool.
func (w *SpoolWriter) Write(b []byte) (int, error) {
	n, err := w.bulk.Write(b)
	return n, w.problem(err)
}

// Truncate drops what was written after the first n bytes; writing goes on from there.
func (w *SpoolWriter) Truncate(n int64) error { return w.problem(w.bulk.Truncate(n)) }

// Spool ends the writer; what was written is on the disk then.
func (w *SpoolWriter) Spool() (*Spool, error) {
	defer w.Discard()
	if err := w.bulk.Finish(); err != nil {
		return nil, w.problem(err)
	}
	if err := w.temp.Seal(spoolMode); err != nil {
		return nil, w.problem(err)
	}
	s := &Spool{temp: w.temp}
	w.temp = nil
	return s, nil
}

// Discard drops a spool that was not ended.
func (w *SpoolWriter) Discard() {
	w.bulk.Close()
	if w.temp != nil {
		w.temp.Discard()
		w.temp = nil
	}
}

func (w *SpoolWriter) problem(err error) error {
	if err == nil {
		return nil
	}
	return w.store.problem(fmt.Errorf("cannot write a spool to the store: %w", err))
}

// Move gives the file its place at path, where nothing is, if that is possible
// without copying; if it is not, Move reports false and the spool is what it was.
// The name is not waited for until the disk has it.
func (s *Spool) Move(path string) (bool, error) {
	if s == nil || s.temp == nil {
		return false, nil
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := s.temp.Rename(path); err != nil {
		var link *os.LinkError
		if errors.As(err, &link) {
			return false, nil
		}
		return false, fmt.Errorf("cannot move a spool of the store: %w", err)
	}
	s.temp = nil
	return true, nil
}

// Discard drops what was not moved.
func (s *Spool) Discard() {
	if s != nil && s.temp != nil {
		s.temp.Discard()
		s.temp = nil
	}
}
