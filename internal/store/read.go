package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"kiln"
)

// Has reports whether the blob d is there, by its name alone, and counts as a use.
func (s *Store) Has(d kiln.Digest) bool {
	_, err := s.Size(d)
	return err == nil
}

// Size returns the size of the blob d in bytes, by its name alone, and counts as a use.
func (s *Store) Size(d kiln.Digest) (int64, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return 0, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return 0, missing(d, err)
	}
	s.touch(path, info)
	return info.Size(), nil
}

// Open opens the blob d to be read from front to back, and returns its size in
// bytes. Reading ends in io.EOF only if the digest is right. If it is not, or the
// disk cannot read it, the object is set aside and the error says so; what was
// read until then is not to be trusted.
func (s *Store) Open(d kiln.Digest) (io.ReadCloser, int64, error) {
	b, err := s.OpenAt(d)
	if err != nil {
		return nil, 0, err
	}
	return &reader{store: s, blob: b, sum: kiln.NewDigester()}, b.size, nil
}

// OpenContent is Open for those who do not ask for the size, tree.Contents among them.
func (s *Store) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	r, _, err := s.Open(d)
	return r, err
}

// ReadAll returns the content of the blob d, verified.
func (s *Store) ReadAll(d kiln.Digest) ([]byte, error) {
	r, size, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	b.Grow(int(size))
	if _, err := b.ReadFrom(r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Blob is an open object.
type Blob struct {
	file   *os.File
	digest kiln.Digest
	size   int64
}

// OpenAt opens the blob d as it is, unverified: for pieces that have a digest of
// their own. Who finds one wrong calls Damaged.
func (s *Store) OpenAt(d kiln.Digest) (*Blob, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return nil, err
	}
	f, info, err := openFile(path)
	if err != nil {
		return nil, missing(d, err)
	}
	s.touch(path, info)
	return &Blob{file: f, digest: d, size: info.Size()}, nil
}

// openFile opens a regular file to be read. os.Open would find out each time, by five
// calls of the system, that one need not wait for it as for a connection; a build opens thousands.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	for errors.Is(err, syscall.EINTR) {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// ReadAt implements io.ReaderAt.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) { return b.file.ReadAt(p, off) }

// Size returns the size in bytes.
func (b *Blob) Size() int64 { return b.size }

// Close implements io.Closer.
func (b *Blob) Close() error { return b.file.Close() }

// missing is the error for a blob that cannot be opened. It wraps fs.ErrNotExist
// where the blob is not there.
func missing(d kiln.Digest, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot open the object %s of the store: %w", d, err)
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot open the object %s: it is not in the store", d),
		Hints: []string{"run the same command again: what is missing is fetched or made anew"},
		Err:   fs.ErrNotExist,
	}
}

// reader hashes what passes through it and gives its verdict at the end.
type reader struct {
	store *Store
	blob  *Blob
	sum   kiln.Digester
	end   error // the verdict, once given
}

func (r *reader) Read(p []byte) (int, error) {
	if r.end != nil {
		return 0, r.end
	}
	n, err := r.blob.file.Read(p)
	r.sum.Write(p[:n])
	switch {
	case err == io.EOF:
		r.end = r.verdict()
		return n, r.end
	case errors.Is(err, syscall.EIO):
		r.end = r.store.setAside(r.blob, err)
		return 0, r.end
	}
	return n, err
}

func (r *reader) verdict() error {
	if got := r.sum.Digest(); got != r.blob.digest {
		return r.store.setAside(r.blob, fmt.Errorf("its content has the digest %s", got))
	}
	return io.EOF
}

func (r *reader) Close() error { return r.blob.Close() }

// Link gives the blob d another name, path, on the store's own file system. Who reads
// it there verifies it, and writes nothing into it.
func (s *Store) Link(d kiln.Digest, path string) error {
	from, err := s.blobPath(d)
	if err != nil {
		return err
	}
	if err := os.Link(from, path); err != nil {
		return missing(d, err)
	}
	return nil
}
