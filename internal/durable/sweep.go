package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Whoever saves path writes to a temporary file or folder beside it, and holds
// the lock on that as long as it lives. What nobody holds was left by a process
// that was killed: the next to save path removes it. On a file system that knows
// no locks, nothing is removed.

// tempPattern is the name of path's temporary files, for os.CreateTemp.
func tempPattern(path string) string { return "." + filepath.Base(path) + ".tmp-*" }

// MkdirTemp makes a temporary folder beside path, for ReplaceDir, after it has
// removed those of the dead. done gives it up; it does not remove it.
func MkdirTemp(path string) (tmp string, done func(), err error) {
	path = filepath.Clean(path)
	sweep(path)
	for {
		if tmp, err = os.MkdirTemp(filepath.Dir(path), tempPattern(path)); err != nil {
			return "", nil, err
		}
		// Another one may take it for a dead one's just now, and remove it.
		f, err := os.Open(tmp)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		if err := flock(f, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK && named(f, tmp) {
			return tmp, func() { f.Close() }, nil
		}
		f.Close()
	}
}

// createTemp is CreateTemp beside path, in the same way.
func (d *Disk) createTemp(path string) (*Temp, error) {
	sweep(path)
	for {
		t, err := d.CreateTemp(filepath.Dir(path), tempPattern(path))
		if err != nil {
			return nil, err
		}
		if err := t.TryLock(); err != unix.EWOULDBLOCK && named(t.file, t.Name()) {
			return t, nil
		}
		t.Discard()
	}
}

// Sweep removes what dead processes left of path, as the next to save it would.
func Sweep(path string) { sweep(path) }

// sweep removes what the dead left of path. What it cannot remove stays.
func sweep(path string) {
	dir := filepath.Dir(path)
	prefix := strings.TrimSuffix(tempPattern(path), "*")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if n, ok := strings.CutPrefix(e.Name(), prefix); ok && isNumber(n) {
			sweepDead(filepath.Join(dir, e.Name()))
		}
	}
}

// isNumber tells whether s is what os.CreateTemp puts in place of the star.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func sweepDead(tmp string) {
	f, err := os.OpenFile(tmp, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if flock(f, unix.LOCK_EX|unix.LOCK_NB) == nil && named(f, tmp) {
		_ = RemoveAll(tmp)
	}
}
