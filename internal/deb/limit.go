package deb

import (
	"errors"
	"fmt"
	"io"
)

// ErrBomb is in the chain of the error of an archive that decompresses to more
// than its Limits allow.
var ErrBomb = errors.New("it is a decompression bomb")

// Limits bounds what a compressed archive may become, and the work on it. The
// zero value means the defaults.
type Limits struct {
	Size  int64 // in decompressed bytes; 0 means 16 GiB
	Ratio int64 // of decompressed to compressed bytes, judged past the first 64 MiB; 0 means 2,000

	// Workers is how many blocks of an archive in xz are decoded at a time, each in
	// memory of its own (about 40 MiB); 0 means one. It changes no result.
	Workers int
}

// The largest package of Debian 13 on amd64 unpacks to 7 GB (a kernel's debug
// symbols), the densest to 570 times its size (librocblas0-tests-data), by their
// Installed-Size. A bomb in xz can reach 7,000 times, in zstd far more.
const (
	defaultSize  = 16 << 30
	defaultRatio = 2000
	ratioFloor   = 64 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Size == 0 {
		l.Size = defaultSize
	}
	if l.Ratio == 0 {
		l.Ratio = defaultRatio
	}
	l.Workers = max(l.Workers, 1)
	return l
}

// limited is a decompressed stream under limits.
type limited struct {
	r        io.Reader
	consumed func() int64 // compressed bytes so far
	member   string
	limit    Limits
	n        int64 // decompressed so far
	err      error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.r.Read(p)
	l.n += int64(n)
	switch {
	case l.overflows():
		n, l.err = 0, fmt.Errorf("cannot read the member %q: %w: it passes %d bytes", l.member, ErrBomb, l.n-int64(n))
	case err == io.EOF:
		l.err = io.EOF
	case err != nil:
		l.err = fmt.Errorf("cannot read the member %q: %w", l.member, decodeError(err))
	}
	return n, l.err
}

func (l *limited) overflows() bool {
	if l.n > l.limit.Size {
		return true
	}
	if l.n <= ratioFloor {
		return false
	}
	return l.n/l.limit.Ratio > l.consumed()
}

// Close frees the decoder.
func (l *limited) Close() error {
	l.err = errors.New("the member is closed")
	switch c := l.r.(type) {
	case io.Closer:
		return c.Close()
	case interface{ Close() }:
		c.Close()
	}
	return nil
}
