package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kiln"
)

// Mark returns what SetMark saved under key last, and counts as a use. A mark
// tells of something outside of the store as it once was: unlike a result, it may
// be another each time. What is missing or damaged is a miss, and so is every mark
// of a store that is asked to Redo.
func (s *Store) Mark(key kiln.Digest) ([]byte, bool) {
	path, err := s.markPath(key)
	if err != nil || s.distrusts(key) {
		return nil, false
	}
	return s.sealed(path, key)
}

// SetMark saves value under key, in place of what was there. It is not waited for
// until the disk has it.
func (s *Store) SetMark(key kiln.Digest, value []byte) error {
	path, err := s.markPath(key)
	if err != nil {
		return err
	}
	if err := s.setResult(path, seal(string(key), value)); err != nil {
		return s.problem(fmt.Errorf("cannot save a mark in the store: %w", err))
	}
	return nil
}

func (s *Store) markPath(key kiln.Digest) (string, error) {
	if _, err := kiln.ParseDigest(string(key)); err != nil {
		return "", fmt.Errorf("bug: the key of the mark is %w", err)
	}
	return filepath.Join(s.dir, marksDir, key.Hex()), nil
}

// sealed reads a sealed value, and records its use.
func (s *Store) sealed(path string, key kiln.Digest) ([]byte, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	b := make([]byte, info.Size()) // what is there never grows: its name is given to another file
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, false
	}
	value, ok := unseal(string(key), b)
	if ok {
		s.touch(path, info)
	}
	return value, ok
}
