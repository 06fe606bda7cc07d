package oci

import (
	"io"

	"kiln"
)

// told tells a job of all that is written through it.
type told struct {
	w   io.Writer
	job *kiln.Job // nil: nobody is told
}

func (t told) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.job.Add(int64(n))
	return n, err
}
