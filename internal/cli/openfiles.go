package cli

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// A build has as many workers for each platform as there are processors. What one
// has open: the lock of its piece of work, what it reads, what it writes, and what
// is hashed beside that. The rest is the streams, the store's own, outputs and
// connections.
const (
	filesOfWorker = 4
	filesOfRest   = 24
)

// fitOpenFiles takes fewer processors where the limit of open files is too low for
// all of them. No bytes depend on that.
func fitOpenFiles(platforms int) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return // then there is none
	}
	fit := (int64(min(limit.Cur, 1<<20)) - filesOfRest) / int64(filesOfWorker*platforms)
	if fit < int64(runtime.GOMAXPROCS(0)) {
		runtime.GOMAXPROCS(int(max(fit, 1)))
	}
}
