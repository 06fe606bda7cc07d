package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriting has the disk begin with n bytes from offset on (sync_file_range(2)).
func beginWriting(f *os.File, offset, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
}
