package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"kiln"
)

// Damaged sets the blob d aside because of cause, and returns the error that says
// so: it is no longer found, and the next run fetches it or makes it again.
func (s *Store) Damaged(d kiln.Digest, cause error) error {
	path, err := s.blobPath(d)
	if err != nil {
		return err
	}
	return s.moveAside(d, path, cause)
}

// setAside is Damaged for the very file that is open as b: a sound one that has
// taken its place meanwhile stays.
func (s *Store) setAside(b *Blob, cause error) error {
	path, err := s.blobPath(b.digest)
	if err != nil {
		return err
	}
	have, err := b.file.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Lstat(path); err == nil && !os.SameFile(have, now) {
		return damaged(b.digest, path, cause)
	}
	return s.moveAside(b.digest, path, cause)
}

func (s *Store) moveAside(d kiln.Digest, path string, cause error) error {
	err := os.Rename(path, filepath.Join(s.dir, damagedDir, d.Hex()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("the object %s of the store is damaged: %v; and it cannot be set aside: %v", d, cause, err),
			Hints: []string{"remove it: rm -f " + path},
			Err:   cause,
		}
	}
	return damaged(d, path, cause)
}

func damaged(d kiln.Digest, path string, cause error) error {
	return &kiln.Error{
		Code: kiln.Refused,
		Text: fmt.Sprintf("the object %s of the store is damaged: %v; it was set aside from %q", d, cause, path),
		Hints: []string{
			"run the same command again: what was damaged is fetched or made anew",
			"or look for more of it: kiln store verify",
		},
		Err: cause,
	}
}

// verdict is what Verified found out about a blob.
type verdict struct {
	mu   sync.Mutex
	info fs.FileInfo // of the file that was sound; nil before
}

// Verified opens the blob d after its whole content has been checked against its
// digest, which is done once per file and open store. The damage that is found is
// set aside.
func (s *Store) Verified(d kiln.Digest) (*Blob, error) {
	b, err := s.OpenAt(d)
	if err != nil {
		return nil, err
	}
	if err := s.verifyOnce(b); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (s *Store) verifyOnce(b *Blob) error {
	s.mu.Lock()
	v := s.verified[b.digest]
	if v == nil {
		v = &verdict{}
		s.verified[b.digest] = v
	}
	s.mu.Unlock()

	v.mu.Lock()
	defer v.mu.Unlock()
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if v.info != nil && os.SameFile(v.info, info) && v.info.Size() == info.Size() {
		return nil
	}
	if err := s.verify(b); err != nil {
		return err
	}
	v.info = info
	return nil
}

// verify reads all of b and sets it aside if it is not what its digest says.
func (s *Store) verify(b *Blob) error {
	sum := kiln.NewDigester()
	if _, err := io.Copy(sum, io.NewSectionReader(b, 0, b.size)); err != nil {
		return s.setAside(b, err)
	}
	if got := sum.Digest(); got != b.digest {
		return s.setAside(b, fmt.Errorf("its content has the digest %s", got))
	}
	return nil
}
