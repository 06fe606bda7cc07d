package deb

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kiln/internal/xz"
)

// What a compressed stream can make its decoder allocate, in bytes: the
// dictionary of xz -9 and the window of zstd --ultra -22, the most that
// dpkg-deb writes.
const (
	maxDictionary = 64 << 20
	maxWindow     = 128 << 20
	maxBlocks     = 96 << 20 // decoded blocks that are held; those of xz -6 have 24 MiB
)

// compression is one way to compress a member, known by the end of its name.
type compression struct {
	suffix string
	name   string
	magic  string // first bytes of every stream; empty for none
	open   func(r *io.SectionReader, workers int) (io.Reader, error)
}

func compressions() []compression {
	return []compression{
		{"", "uncompressed", "", func(r *io.SectionReader, _ int) (io.Reader, error) { return r, nil }},
		{".gz", "gzip", "\x1f\x8b", func(r *io.SectionReader, _ int) (io.Reader, error) { return gzip.NewReader(r) }},
		{".xz", "xz", "\xfd7zXZ\x00", openXz},
		{".zst", "zstd", "\x28\xb5\x2f\xfd", openZstd},
	}
}

// openXz decodes the blocks that dpkg-deb cuts a large package into side by side,
// if there are workers for it.
func openXz(r *io.SectionReader, workers int) (io.Reader, error) {
	return xz.NewParallel(r, r.Size(), xz.Limits{Dictionary: maxDictionary, Blocks: maxBlocks}, workers)
}

// openZstd decodes in the caller's goroutine: packages are what runs in parallel.
func openZstd(r *io.SectionReader, _ int) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// decompress returns the content of a member whose name ends in suffix, and
// refuses one that is compressed in another way than its name says.
func decompress(r *io.SectionReader, suffix string, limit Limits) (*limited, error) {
	all := compressions()
	c := find(all, func(c compression) bool { return c.suffix == suffix })
	if c == nil {
		return nil, fmt.Errorf("unknown compression %q: want none, .gz, .xz or .zst", suffix)
	}
	if err := checkMagic(r, *c, all); err != nil {
		return nil, err
	}
	limit = limit.withDefaults()
	opened, err := c.open(r, limit.Workers)
	if err != nil {
		return nil, decodeError(err)
	}
	return &limited{r: opened, consumed: counter(opened, r), limit: limit}, nil
}

// counter returns what tells how many bytes of r its decoder has taken.
func counter(opened io.Reader, r *io.SectionReader) func() int64 {
	if c, ok := opened.(interface{ Consumed() int64 }); ok {
		return c.Consumed
	}
	return func() int64 {
		n, _ := r.Seek(0, io.SeekCurrent) // which has no way to fail
		return n
	}
}

// checkMagic compares the member's first bytes with what its name says.
func checkMagic(r *io.SectionReader, want compression, all []compression) error {
	head := make([]byte, min(6, r.Size()))
	if err := readFull(r, head, 0); err != nil {
		return err
	}
	is := find(all, func(c compression) bool { return c.magic != "" && bytes.HasPrefix(head, []byte(c.magic)) })
	switch {
	case is != nil && is.name != want.name:
		return fmt.Errorf("its content is %s, not %s as its name says", is.name, want.name)
	case len(head) < len(want.magic):
		return fmt.Errorf("%w: it has only %d bytes", ErrTruncated, len(head))
	case is == nil && want.magic != "":
		return fmt.Errorf("its content is not %s as its name says", want.name)
	}
	return nil
}

func find(all []compression, match func(compression) bool) *compression {
	for i := range all {
		if match(all[i]) {
			return &all[i]
		}
	}
	return nil
}

// decodeError gives the decoders' words for a stream that ends too early one
// meaning. At its own end a stream has io.EOF.
func decodeError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return err
}
