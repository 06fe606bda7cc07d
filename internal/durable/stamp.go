package durable

import (
	"os"
	"path/filepath"
	"time"
)

// Stamp is what the file system says of a file, as far as it tells whether that
// is still what it was: where a content or a mode was changed, or another file
// took the place, Changed is another, which no program can set (st_ctime of
// stat(2)).
type Stamp struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Mode     uint32 `json:"mode"`     // st_mode, with the type
	Size     int64  `json:"size"`     // bytes
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Changed  int64  `json:"changed"`  // nanoseconds since 1970
}

// StampOf returns the stamp of what stands at path; a link is not followed.
func StampOf(path string) (Stamp, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stamp{}, err
	}
	return stampOf(info), nil
}

// stillYoung is how often Settled looks whether time has gone on.
const stillYoung = 100

// Settled returns the stamps of paths once they can be relied upon: a file system
// counts time in steps of some milliseconds, and within the step in which a file
// was changed, it could be changed again unseen. So Settled waits, by the clock of
// the file system itself, until a new file in folder dir would be younger. It
// reports false where that does not come about, or where a path is missing.
func Settled(dir string, paths []string) (map[string]Stamp, bool) {
	stamps := map[string]Stamp{}
	var newest int64
	for _, p := range paths {
		s, err := StampOf(p)
		if err != nil {
			return nil, false
		}
		stamps[p] = s
		newest = max(newest, s.Changed)
	}
	sweep(filepath.Join(dir, timeName))
	for range stillYoung {
		now, err := timeIn(dir)
		if err != nil {
			return nil, false
		}
		if now > newest {
			return stamps, true
		}
		time.Sleep(time.Millisecond)
	}
	return nil, false
}

// timeName is what the files of timeIn are called after.
const timeName = "time"

// timeIn returns the time of the file system that folder dir is in.
func timeIn(dir string) (int64, error) {
	f, err := os.CreateTemp(dir, tempPattern(filepath.Join(dir, timeName)))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return stampOf(info).Changed, nil
}
