package store

import (
	"bufio"
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

// SpoolWriter takes in a spool. It is used by one goroutine, and ends with Spool or
// Discard.
type SpoolWriter struct {
	store *Store
	temp  *durable.Temp // nil after the end
	buf   *bufio.Writer
	fresh int64 // bytes since the disk was told to begin
}

// spoolAhead is how much the disk is given to begin with at a time, in bytes.
const spoolAhead = 8 << 20

// spoolBuffer is how much of a spool is gathered before the disk is asked.
const spoolBuffer = 256 << 10

// CreateSpool begins a spool. Its digest is the caller's to take.
func (s *Store) CreateSpool() (*SpoolWriter, error) {
	t, err := s.stage()
	if err != nil {
		return nil, s.problem(fmt.Errorf("cannot begin a spool in the store: %w", err))
	}
	return &SpoolWriter{store: s, temp: t, buf: bufio.NewWriterSize(t, spoolBuffer)}, nil
}

// Write appends b to the spool.
func (w *SpoolWriter) Write(b []byte) (int, error) {
	n, err := w.buf.Write(b)
	if w.fresh += int64(n); w.fresh >= spoolAhead {
		w.fresh = 0
		w.temp.Begin()
	}
	return n, w.problem(err)
}

// Truncate drops what was written after the first n bytes; writing goes on from there.
func (w *SpoolWriter) Truncate(n int64) error {
	err := w.buf.Flush()
	if err == nil {
		err = w.temp.Truncate(n)
	}
	return w.problem(err)
}

// Spool ends the writer; what was written is on the disk then.
func (w *SpoolWriter) Spool() (*Spool, error) {
	defer w.Discard()
	if err := w.buf.Flush(); err != nil {
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
