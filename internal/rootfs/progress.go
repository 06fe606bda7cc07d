package rootfs

import (
	"io"

	"kiln"
)

// told is a file that is read from front to back, more or less, and tells a job
// how far that has come.
type told struct {
	io.ReaderAt
	job *kiln.Job
}

func (t told) ReadAt(b []byte, off int64) (int, error) {
	n, err := t.ReaderAt.ReadAt(b, off)
	t.job.Reach(off + int64(n))
	return n, err
}

// subject names a layer in events.
func (a *assembly) subject(l *layer) string {
	return "layer " + l.name() + " of " + a.in.Platform.String()
}
