package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kiln/internal/durable"
)

// GCReport is what GC removed.
type GCReport struct {
	Removed int   `json:"removed"` // files of any kind
	Freed   int64 `json:"freed"`   // bytes
	Kept    int   `json:"kept"`    // blobs, results and marks that stay
}

// GC removes the blobs, results and marks that were last used, and the parts of blobs that
// were last written to, more than olderThan before now, all damage that was set aside, and what dead processes left in
// staging and locks. Use is recorded to the day only, so that an object can go
// up to a day early. GC waits, until ctx ends, for all others to close the store.
func (s *Store) GC(ctx context.Context, olderThan time.Duration, now time.Time) (GCReport, error) {
	if err := s.Close(); err != nil {
		return GCReport{}, err
	}
	unlock, err := durable.Lock(ctx, filepath.Join(s.dir, lockFile))
	if err != nil {
		return GCReport{}, errors.Join(s.problem(err), s.share())
	}
	report, err := s.collect(ctx, now.Add(-olderThan))
	return report, errors.Join(err, unlock(), s.share())
}

func (s *Store) collect(ctx context.Context, before time.Time) (GCReport, error) {
	// Writers of this process are about, even if no other process is.
	s.sweep.Lock()
	defer s.sweep.Unlock()
	var r GCReport
	unused := func(path string, info fs.FileInfo) error {
		if info.ModTime().After(before) {
			r.Kept++
			return nil
		}
		return r.remove(path, info)
	}
	for _, dir := range []string{blobsDir, resultsDir, marksDir} {
		if err := s.walk(ctx, dir, unused); err != nil {
			return r, err
		}
	}
	part := func(path string, info fs.FileInfo) error {
		if info.ModTime().After(before) {
			r.Kept++
			return nil
		}
		return r.removeDead(path, info)
	}
	if err := s.walk(ctx, partialDir, part); err != nil {
		return r, err
	}
	if err := s.walk(ctx, damagedDir, r.remove); err != nil {
		return r, err
	}
	return r, s.sweepDead(ctx, &r)
}

// tidy removes what dead processes left, if nobody else has the store open: so
// what a killed build left is gone with the next one.
func (s *Store) tidy() error {
	unlock, alone, err := durable.TryLock(filepath.Join(s.dir, lockFile))
	if err != nil || !alone {
		return err
	}
	return errors.Join(s.sweepDead(context.Background(), &GCReport{}), unlock())
}

// sweepDead removes what dead processes left in staging, folders, locks and archives.
// The caller alone has the store open.
func (s *Store) sweepDead(ctx context.Context, r *GCReport) error {
	durable.Sweep(s.folder())
	for _, dir := range []string{stagingDir, locksDir} {
		if err := s.walk(ctx, dir, r.removeDead); err != nil {
			return err
		}
	}
	return s.walk(ctx, archivesDir, func(path string, info fs.FileInfo) error {
		if filepath.Base(path)[0] != '.' { // a state; the others are unfinished
			return nil
		}
		return r.remove(path, info)
	})
}

// removeDead removes a file that nobody holds the lock on.
func (r *GCReport) removeDead(path string, info fs.FileInfo) error {
	unlock, free, err := durable.TryLock(path)
	if errors.Is(err, fs.ErrPermission) { // another user's, who will sweep it
		return nil
	}
	if err != nil || !free {
		return err
	}
	return errors.Join(r.remove(path, info), unlock())
}

func (r *GCReport) remove(path string, info fs.FileInfo) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Removed++
	r.Freed += info.Size()
	return nil
}
