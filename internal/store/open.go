package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/durable"
)

// Format is the version of the store's layout.
const Format = 1

// patience is how long Open waits for a gc that is under way.
const patience = time.Minute

// DefaultDir returns the store's folder by the environment: KILN_STORE, or kiln
// in XDG_CACHE_HOME, or .cache/kiln in HOME.
func DefaultDir(getenv func(string) string) (string, error) {
	if dir := getenv("KILN_STORE"); dir != "" {
		return dir, nil
	}
	// The XDG base directory specification has relative paths ignored.
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kiln"), nil
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Join(dir, ".cache", "kiln"), nil
	}
	return "", &kiln.Error{
		Code:  kiln.User,
		Text:  "cannot find a place for the store: none of KILN_STORE, XDG_CACHE_HOME and HOME is set",
		Hints: []string{"name one: KILN_STORE=FOLDER"},
	}
}

// Open opens the store in folder dir, which it makes where it is missing. A gc
// by another process is waited for, up to a minute.
func Open(dir string, o Options) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store %q: %w", dir, err)
	}
	s := &Store{dir: abs, now: o.Now, disk: o.Disk, verified: map[kiln.Digest]*verdict{}}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(); err != nil {
		return nil, s.openProblem(err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	for _, d := range []string{blobsDir, resultsDir, marksDir, locksDir, stagingDir, damagedDir, archivesDir} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o777); err != nil {
			return err
		}
	}
	if err := s.tidy(); err != nil {
		return err
	}
	if err := s.share(); err != nil {
		return err
	}
	if err := s.checkWritable(); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// share takes the lock that keeps gc away.
func (s *Store) share() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	unlock, err := durable.RLock(ctx, filepath.Join(s.dir, lockFile))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unlock = unlock
	return nil
}

// checkFormat reads the format file, or makes it in a folder that holds nothing yet.
func (s *Store) checkFormat() error {
	path := filepath.Join(s.dir, formatFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.checkEmpty(); err != nil {
			return err
		}
		return s.disk.WriteFile(path, 0o644, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, Format)
			return err
		})
	}
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n < 1 {
		return &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("cannot open the store %q: its format file %q is damaged", s.dir, path),
			Hints: []string{"remove the store, it is safe to delete: rm -r " + s.dir},
		}
	}
	if n > Format {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot open the store %q: it has format %d, this kiln knows up to %d", s.dir, n, Format),
			Hints: []string{"use the newer kiln that made it", "or keep another store: KILN_STORE=FOLDER"},
		}
	}
	return nil
}

// checkEmpty refuses a folder that holds what is not ours, so that a mistyped
// KILN_STORE does not fill somebody's home. What another process, opening the
// same new store, is just making is ours.
func (s *Store) checkEmpty() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	ours := []string{"blobs", resultsDir, marksDir, locksDir, stagingDir, damagedDir, archivesDir, lockFile, formatFile}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) && !strings.HasPrefix(e.Name(), "."+formatFile+".") {
			return &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot make a store in %q: the folder holds something else (%q)", s.dir, e.Name()),
				Hints: []string{"name a new or empty folder: KILN_STORE=FOLDER"},
			}
		}
	}
	return nil
}

// checkWritable finds out now, not half way through a build.
func (s *Store) checkWritable() error {
	t, err := s.stage()
	if err != nil {
		return err
	}
	t.Discard()
	return nil
}

func (s *Store) openProblem(err error) error {
	var known *kiln.Error
	if errors.As(err, &known) {
		return known
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot open the store %q: %v", s.dir, err), Err: err}
	var at *fs.PathError
	switch {
	case errors.Is(err, syscall.ENOTDIR) && errors.As(err, &at):
		e.Text = fmt.Sprintf("cannot open the store %q: a file is in the way at %q", s.dir, at.Path)
		e.Hints = []string{"move the file away, or keep the store elsewhere: KILN_STORE=FOLDER"}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Text = fmt.Sprintf("cannot open the store %q: it is not writable: %v", s.dir, err)
		e.Hints = []string{"make the folder writable, or keep the store elsewhere: KILN_STORE=FOLDER"}
	case errors.Is(err, context.DeadlineExceeded):
		e.Text = fmt.Sprintf("cannot open the store %q: another process has been cleaning it for %s", s.dir, patience)
		e.Hints = []string{"wait for \"kiln store gc\" to end, then run the same command again"}
	case durable.IsFull(err):
		return s.problem(err)
	}
	return e
}
