package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"kiln/internal/durable"
)

// spoolMode is the mode of a spool: what it becomes is the caller's to change.
const spoolMode = 0o644

// Spool is a file that was written beside the blobs, on its way to a place outside
// of the store. It is on the disk, and ends with Move or Discard.
type Spool struct {
	temp *durable.Temp // nil after the end
}

// SpoolWriter takes in a spool, past the page cache where the system can: what is
// written once and not read soon need not be copied there first. It is used by one goroutine,
// and ends with Spool or Discard.
type SpoolWriter struct {
	store  *Store
	temp   *durable.Temp // nil after the end
	block  []byte        // being filled; begins at a page
	used   int           // bytes of block
	disk   int64         // bytes written, a multiple of spoolPage
	direct bool          // past the page cache
}

// spoolBlock is how much of a spool is gathered before the disk is asked, and
// spoolPage what disks take at least, in bytes.
const (
	spoolBlock = 1 << 20
	spoolPage  = 4096
)

// CreateSpool begins a spool. Its digest is the caller's to take.
func (s *Store) CreateSpool() (*SpoolWriter, error) {
	t, err := s.stage()
	if err != nil {
		return nil, s.problem(fmt.Errorf("cannot begin a spool in the store: %w", err))
	}
	w := &SpoolWriter{store: s, temp: t}
	if w.block, err = unix.Mmap(-1, 0, spoolBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
		t.Discard()
		return nil, s.problem(fmt.Errorf("cannot begin a spool in the store: %w", err))
	}
	w.direct = t.Direct(true)
	return w, nil
}

// Write appends b to the spool.
func (w *SpoolWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		copied := copy(w.block[w.used:], b)
		w.used += copied
		b = b[copied:]
		if w.used == len(w.block) {
			if err := w.flush(); err != nil {
				return n - len(b), w.problem(err)
			}
		}
	}
	return n, nil
}

// flush writes a full block.
func (w *SpoolWriter) flush() error {
	n, err := w.temp.Write(w.block)
	if w.direct && errors.Is(err, unix.EINVAL) { // a file system that does not, or a part was written
		w.direct = w.temp.Direct(false)
		_, err = w.temp.Write(w.block[n:])
	}
	if err != nil {
		return err
	}
	w.disk += int64(w.used)
	w.used = 0
	if !w.direct {
		w.temp.Begin()
	}
	return nil
}

// Truncate drops what was written after the first n bytes; writing goes on from there.
func (w *SpoolWriter) Truncate(n int64) error {
	if n >= w.disk {
		w.used = int(n - w.disk)
		return nil
	}
	page := n - n%spoolPage
	_, err := w.temp.ReadAt(w.block[:spoolPage], page)
	if err == nil {
		err = w.temp.Truncate(page)
	}
	w.disk, w.used = page, int(n-page)
	return w.problem(err)
}

// Spool ends the writer; what was written is on the disk then.
func (w *SpoolWriter) Spool() (*Spool, error) {
	defer w.Discard()
	w.temp.Direct(false) // what is left fills no page
	if _, err := w.temp.Write(w.block[:w.used]); err != nil {
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
	if w.block != nil {
		_ = unix.Munmap(w.block) // anonymous memory
		w.block = nil
	}
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
