package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"kiln"
	"kiln/internal/durable"
)

// A saved value is a line with the digest of name, newline and value, then the
// value. The name is in the digest so that a file under a wrong name is no answer.
func seal(name string, value []byte) []byte {
	return append([]byte(string(sealOf(name, value))+"\n"), value...)
}

func sealOf(name string, value []byte) kiln.Digest {
	d := kiln.NewDigester()
	fmt.Fprintln(d, name)
	d.Write(value)
	return d.Digest()
}

func unseal(name string, b []byte) ([]byte, bool) {
	sum, value, ok := bytes.Cut(b, []byte("\n"))
	if !ok || string(sum) != string(sealOf(name, value)) {
		return nil, false
	}
	return value, true
}

func (s *Store) resultPath(key kiln.Digest) (string, error) {
	if _, err := kiln.ParseDigest(string(key)); err != nil {
		return "", fmt.Errorf("bug: the action key is %w", err)
	}
	return filepath.Join(s.dir, resultsDir, key.Hex()[:2], key.Hex()), nil
}

// Result returns what SetResult saved under key, and counts as a use. What is
// missing, cannot be read, or is damaged in any bit is a miss.
func (s *Store) Result(key kiln.Digest) ([]byte, bool) {
	if s.distrusts(key) {
		return nil, false
	}
	return s.Kept(key)
}

// Kept is Result also where the store distrusts its results: for saying what changed.
func (s *Store) Kept(key kiln.Digest) ([]byte, bool) {
	path, err := s.resultPath(key)
	if err != nil {
		return nil, false
	}
	return s.sealed(path, key)
}

// SetResult saves what the action key gave. It is not waited for until the disk
// has it: a result that is lost, or half there, is a miss.
func (s *Store) SetResult(key kiln.Digest, value []byte) error {
	path, err := s.resultPath(key)
	if err != nil {
		return err
	}
	if err := s.compare(key, value); err != nil {
		return err
	}
	if err := s.setResult(path, seal(string(key), value)); err != nil {
		return s.problem(fmt.Errorf("cannot save a result in the store: %w", err))
	}
	return nil
}

func (s *Store) setResult(path string, b []byte) error {
	t, err := s.stage()
	if err != nil {
		return err
	}
	if err := s.fillResult(t, path, b); err != nil {
		t.Discard()
		return err
	}
	return nil
}

func (s *Store) fillResult(t *durable.Temp, path string, b []byte) error {
	if _, err := t.Write(b); err != nil {
		return err
	}
	now := s.now()
	if err := os.Chtimes(t.Name(), now, now); err != nil {
		return err
	}
	if err := t.Check(blobMode); err != nil {
		return err
	}
	return place(t, path)
}

// Once runs do while nobody else, in this or another process, runs anything
// under the same key; waiting for that ends with ctx. Each caller's do is run:
// it looks first whether another has done the work meanwhile. A do must not call
// Once with its own key.
func (s *Store) Once(ctx context.Context, key kiln.Digest, do func() error) error {
	if _, err := kiln.ParseDigest(string(key)); err != nil {
		return fmt.Errorf("bug: the action key is %w", err)
	}
	path := filepath.Join(s.dir, locksDir, key.Hex())
	unlock, err := durable.Lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	defer os.Remove(path) // while it is held, as durable.Lock allows
	return do()
}
