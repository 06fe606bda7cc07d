package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"kiln"
	"kiln/internal/durable"
)

// spoolMode is the mode of a spool: what it becomes is the caller's to change.
const spoolMode = 0o644

// Spool is a file that was written beside the blobs, on its way to a place outside
// of the store. It is on the disk, and ends with Move or Discard.
type Spool struct {
	temp *durable.Temp // nil after the end
}

// Spool ends the writer without giving its blob a place. It returns the digest of
// what was written.
func (w *Writer) Spool() (*Spool, kiln.Digest, error) {
	defer w.Discard()
	if err := w.buf.Flush(); err != nil {
		return nil, "", w.problem(err)
	}
	if err := w.temp.Seal(spoolMode); err != nil {
		return nil, "", w.problem(err)
	}
	s := &Spool{temp: w.temp}
	w.temp = nil
	return s, w.sum.Digest(), nil
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
