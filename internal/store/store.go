// Package store is the content-addressed directory that holds every input and
// every derived piece: blobs by digest, and the results of actions by action key.
// It is safe to delete, safe to share between processes of one user or many, and
// never trusts its own disk: what is read is checked against its digest.
//
// What is lost from it, whether by a person, a dying machine or a damaged disk,
// is a miss and never a lie. So a blob is brought to the disk before it gets its
// name, but its name is not waited for; and a result is not waited for at all.
// Only the states, which remember what a later run must not fall back behind, are
// saved in full.
package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kiln"
	"kiln/internal/durable"
)

// Layout below the store's folder:
//
//	blobs/sha256/ab/abcd...   content, mode 0444, name is its digest
//	results/ab/abcd...        what an action gave, name is the action key
//	marks/                    what outputs were when kiln wrote them, name is the digest of the place
//	locks/                    one file for each piece of work under way
//	staging/                  files being written; a dead process's are swept by the next to open the store alone
//	partial/                  beginnings of blobs, being fetched or left by whoever was cut, name is the blob's digest; swept by gc as blobs are
//	folders/                  folders of work under way; a dead process's are swept likewise
//	damaged/                  blobs that were not what their name says; swept by gc
//	archives/                 the newest Release accepted for each archive pocket
//	lock                      held by whoever has the store open; alone, by gc
//	kiln-store                format version, one line
const (
	blobsDir    = "blobs/sha256"
	resultsDir  = "results"
	marksDir    = "marks"
	locksDir    = "locks"
	stagingDir  = "staging"
	partialDir  = "partial"
	foldersDir  = "folders"
	damagedDir  = "damaged"
	archivesDir = "archives"
	lockFile    = "lock"
	formatFile  = "kiln-store"
)

// useInterval is how exactly use is recorded: an object's time of last use is
// brought forward once it is this old.
const useInterval = 24 * time.Hour

// Options are what Open needs to know besides the place.
type Options struct {
	// Now tells the time that use is recorded with, for GC; it reaches no bytes.
	// Default time.Now.
	Now func() time.Time
	// Disk is where blobs, results and states are saved; nil is the real one.
	Disk *durable.Disk
}

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	dir  string
	now  func() time.Time
	disk *durable.Disk

	mu       sync.Mutex
	unlock   func() error // of the lock file; nil when closed
	verified map[kiln.Digest]*verdict

	redo redo

	sweep sync.RWMutex // held for writing while gc looks for staging files of the dead
}

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// Close gives up the store. Blobs that are open stay readable.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unlock == nil {
		return nil
	}
	unlock := s.unlock
	s.unlock = nil
	return unlock()
}

// blobPath is where the blob d stands, if d is a digest at all: a name out of a
// document must not lead anywhere else.
func (s *Store) blobPath(d kiln.Digest) (string, error) {
	if _, err := kiln.ParseDigest(string(d)); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, blobsDir, d.Hex()[:2], d.Hex()), nil
}

// touch records a use of the object at path. That it cannot, in a store of
// another user, only makes gc forget the use.
func (s *Store) touch(path string, info fs.FileInfo) {
	if now := s.now(); now.Sub(info.ModTime()) >= useInterval {
		_ = os.Chtimes(path, now, now)
	}
}

// place gives the sealed file t its name, making the folder of the name's first
// two digits where it is missing.
func place(t *durable.Temp, path string) error {
	err := t.Rename(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return t.Rename(path)
}

// problem is err as it reaches a person, with what to do about it.
func (s *Store) problem(err error) error {
	e := &kiln.Error{Code: kiln.User, Text: err.Error(), Err: err}
	switch {
	case durable.IsFull(err):
		e.Text = "cannot write to the store: disk full: " + err.Error()
		e.Hints = []string{
			"free some room on the disk of " + s.dir + ", perhaps with: kiln store gc",
			"or keep the store elsewhere: KILN_STORE=FOLDER",
		}
	case errors.Is(err, fs.ErrPermission):
		e.Hints = []string{"make " + s.dir + " writable, or keep the store elsewhere: KILN_STORE=FOLDER"}
	}
	return e
}
