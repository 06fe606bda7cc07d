package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriting has the disk begin with n bytes from offset on (sync_file_range(2)).
func beginWriting(f *os.File, offset, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
}

// direct sets or clears O_DIRECT, and returns whether it is set.
func direct(f *os.File, on bool) bool {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return false
	}
	was := flags&unix.O_DIRECT != 0
	if flags &^= unix.O_DIRECT; on {
		flags |= unix.O_DIRECT
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, flags); err != nil {
		return was
	}
	return on
}
