package tree

import (
	"bytes"
	"fmt"
	"io"

	"kiln"
)

// Bytes is Contents in memory. Use Add to fill it.
type Bytes map[kiln.Digest][]byte

// Add keeps b, which must not change from then on, and returns its digest.
func (m Bytes) Add(b []byte) kiln.Digest {
	d := kiln.DigestOf(b)
	m[d] = b
	return d
}

// OpenContent implements Contents. It checks before it hands out, as the whole
// content is at hand.
func (m Bytes) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	b, ok := m[d]
	if !ok {
		return nil, fmt.Errorf("cannot open the content %s: it is not there", d)
	}
	if got := kiln.DigestOf(b); got != d {
		return nil, fmt.Errorf("cannot open the content %s: it has become %s", d, got)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}
