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
// the file system itself, until a change would be seen: it writes to a temporary file
// beside place, which those are part of. It reports false where that does not come
// about, or where a path is missing.
func Settled(place string, paths []string) (map[string]Stamp, bool) {
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
	t, err := (*Disk)(nil).createTemp(filepath.Clean(place))
	if err != nil {
		return nil, false
	}
	defer t.Discard()
	for range stillYoung {
		if _, err := t.Write([]byte{0}); err != nil {
			return nil, false
		}
		info, err := t.file.Stat()
		if err != nil {
			return nil, false
		}
		if stampOf(info).Changed > newest {
			return stamps, true
		}
		time.Sleep(time.Millisecond)
	}
	return nil, false
}
