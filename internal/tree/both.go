package tree

import (
	"io"

	"kiln"
)

// Both is Contents in either of two places.
func Both(first, second Contents) Contents { return both{first, second} }

type both struct{ first, second Contents }

// OpenContent implements Contents. Where neither has the content, it tells what is wrong with the second.
func (b both) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if r, err := b.first.OpenContent(d); err == nil {
		return r, nil
	}
	return b.second.OpenContent(d)
}
