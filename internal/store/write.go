package store

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kiln"
	"kiln/internal/durable"
)

// writeBuffer is how much of a blob is gathered before the disk is asked.
const writeBuffer = 64 << 10

// beginEvery is after how many bytes the disk is told to begin with them: so that little
// is left to wait for at the end.
const beginEvery = 1 << 20

// blobMode keeps a blob from being changed by accident.
const blobMode = 0o444

// Writer takes in one blob. It is used by one goroutine, and ends with Commit or
// Discard.
type Writer struct {
	store *Store
	temp  *durable.Temp // nil after the end
	buf   *bufio.Writer
	sum   kiln.Digester
	size  int64
	begun int64 // bytes that the disk was told to begin with, or a few less
	part  bool  // the file has a name that Resume finds it by
}

// Create begins a new blob.
func (s *Store) Create() (*Writer, error) {
	t, err := s.stage()
	if err != nil {
		return nil, s.problem(fmt.Errorf("cannot begin an object in the store: %w", err))
	}
	return s.writer(t), nil
}

func (s *Store) writer(t *durable.Temp) *Writer {
	return &Writer{store: s, temp: t, buf: bufio.NewWriterSize(t, writeBuffer), sum: kiln.NewDigester()}
}

// stage makes a file in staging and locks it: so gc knows that its writer lives.
func (s *Store) stage() (*durable.Temp, error) {
	s.sweep.RLock()
	defer s.sweep.RUnlock()
	t, err := s.disk.CreateTemp(filepath.Join(s.dir, stagingDir), "new-*")
	if err != nil {
		return nil, err
	}
	if err := t.TryLock(); err != nil {
		t.Discard()
		return nil, err
	}
	return t, nil
}

// Write appends b to the blob.
func (w *Writer) Write(b []byte) (int, error) {
	n, err := w.buf.Write(b)
	w.sum.Write(b[:n])
	w.size += int64(n)
	if err != nil {
		return n, w.problem(err)
	}
	if w.size-w.begun >= beginEvery {
		w.temp.Begin()
		w.begun = w.size
	}
	return n, nil
}

// Commit ends the blob and gives it its place; it returns its digest, and its
// size in bytes. Where want is given and the digest is another, that is an error,
// as is a disk that kept less than it was given; nothing stays behind then.
func (w *Writer) Commit(want kiln.Digest) (kiln.Digest, int64, error) {
	defer w.Discard()
	d := w.sum.Digest()
	if want != "" && d != want {
		return "", 0, &kiln.Error{
			Code: kiln.Refused,
			Text: fmt.Sprintf("cannot store the object: it has the digest %s, %s was expected (%d bytes)", d, want, w.size),
		}
	}
	if err := w.commit(d); err != nil {
		return "", 0, w.problem(err)
	}
	return d, w.size, nil
}

func (w *Writer) commit(d kiln.Digest) error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	path, err := w.store.blobPath(d)
	if err != nil {
		return err
	}
	now := w.store.now()
	if err := os.Chtimes(w.temp.Name(), now, now); err != nil {
		return err
	}
	if err := w.temp.Seal(blobMode); err != nil {
		return err
	}
	// Also where the object is there: it may have been damaged since.
	if err := place(w.temp, path); err != nil {
		return err
	}
	w.temp = nil
	return nil
}

// Discard drops a blob that was not committed; after Commit it does nothing.
func (w *Writer) Discard() {
	if w.temp != nil {
		w.temp.Discard()
		w.temp = nil
	}
}

func (w *Writer) problem(err error) error {
	return w.store.problem(fmt.Errorf("cannot write an object to the store: %w", err))
}

// Put stores all of r, as Create, Write and Commit do. An error of r comes back
// as it is.
func (s *Store) Put(r io.Reader, want kiln.Digest) (kiln.Digest, int64, error) {
	w, err := s.Create()
	if err != nil {
		return "", 0, err
	}
	defer w.Discard()
	if _, err := io.Copy(w, r); err != nil {
		return "", 0, err
	}
	return w.Commit(want)
}

// PutBytes stores b.
func (s *Store) PutBytes(b []byte) (kiln.Digest, int64, error) {
	return s.Put(bytes.NewReader(b), "")
}
