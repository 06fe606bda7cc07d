// Package xz decodes the .xz file format, version 1.2.0
// (https://tukaani.org/xz/xz-file-format.txt; numbers of sections in comments
// are of that text). It takes all that the xz tool takes: several streams with
// padding between them, every check, LZMA2 with the filters delta and BCJ. It
// refuses whatever the format calls an error (headers, sizes, index and footers
// are all compared), a dictionary larger than its Limits, and anything behind
// the last stream. A check of a type that the format only reserves is passed
// over, as xz and dpkg do.
//
// Memory is bounded by the Limits and, below them, grows with what was decoded,
// not with what a header says.
package xz

import (
	"errors"
	"fmt"
	"io"
)

// What an error's chain says of its kind. A file that ends too early has
// io.ErrUnexpectedEOF instead; what the reader below says comes through as it is.
var (
	ErrCorrupt     = errors.New("it is corrupt")
	ErrUnsupported = errors.New("it is not supported")
	ErrMemory      = errors.New("it needs more memory than is allowed")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}

// Limits bounds the memory that a file can make its decoder take. The zero value
// means the defaults.
type Limits struct {
	Dictionary int64 // the largest dictionary, in bytes; 0 means 64 MiB, that of xz -9
	Blocks     int64 // decoded blocks that NewParallel may hold at a time, in bytes; 0 means 128 MiB
}

const (
	defaultDictionary = 64 << 20
	defaultBlocks     = 128 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Dictionary == 0 {
		l.Dictionary = defaultDictionary
	}
	if l.Blocks == 0 {
		l.Blocks = defaultBlocks
	}
	return l
}

// Reader decodes a file from its start to its end. Beside the dictionary it
// takes as much again, at least 2 and at most 8 MiB, and 2 MiB for each filter.
type Reader struct {
	dec    *decoder // nil once err is told
	taken  int64    // what dec had consumed then
	flags  flags
	block  *block // where the content comes from; nil between blocks
	seen   records
	blocks int    // of the whole file, begun so far
	out    []byte // decoded and not yet read
	err    error
}

// NewReader returns a Reader of the file that r gives. It reads the first
// stream header.
func NewReader(r io.Reader, limits Limits) (*Reader, error) {
	z := &Reader{dec: newDecoder(r, limits.withDefaults())}
	if err := z.beginStream(); err != nil {
		z.dec.free()
		return nil, err
	}
	return z, nil
}

// Read returns io.EOF only if the whole file was there and all its checks hold.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(z.out) == 0 && z.err == nil {
		z.err = z.next()
	}
	if len(z.out) == 0 {
		z.end()
		return 0, z.err
	}
	n := copy(p, z.out)
	z.out = z.out[n:]
	return n, nil
}

// end gives the decoder to the next file: nothing refers to its memory any more.
func (z *Reader) end() {
	if z.dec != nil {
		z.taken = z.dec.src.offset()
		z.dec.free()
		z.dec, z.block = nil, nil
	}
}

// Consumed returns how many bytes of the file the content that was read so far
// took, and the piece that it is a part of.
func (z *Reader) Consumed() int64 {
	if z.dec == nil {
		return z.taken
	}
	return z.dec.src.offset()
}

// next decodes a piece of the content, or passes to the next part of the file.
func (z *Reader) next() error {
	if z.block == nil {
		return z.nextBlock()
	}
	out, err := z.block.next()
	if err == io.EOF {
		z.seen.add(z.block.record())
		z.block = nil
		return nil
	}
	if err != nil {
		return z.blockError(err)
	}
	z.out = out
	return nil
}

func (z *Reader) blockError(err error) error {
	return fmt.Errorf("cannot decode block %d of the xz file: %w", z.blocks, err)
}

// nextBlock begins a block or, where the index stands, ends the stream (2.1).
func (z *Reader) nextBlock() error {
	more, err := z.dec.src.peek()
	if err != nil {
		return fmt.Errorf("cannot decode the xz file: %w", truncated(err, "before the index"))
	}
	if more == 0 {
		return z.endStream()
	}
	z.blocks++
	z.block, err = z.dec.begin(z.flags)
	if err != nil {
		return z.blockError(err)
	}
	return nil
}

func (z *Reader) beginStream() error {
	head, err := z.dec.src.take(streamHeaderSize)
	if err == nil {
		z.flags, err = parseStreamHeader(head)
	}
	if err != nil {
		return fmt.Errorf("cannot read the xz stream header: %w", truncated(err, "in a stream header"))
	}
	z.seen = newRecords()
	return nil
}

// endStream reads the index and the footer, and what follows them.
func (z *Reader) endStream() error {
	size, err := readIndex(&z.dec.src, z.seen)
	if err != nil {
		return fmt.Errorf("cannot read the xz index: %w", truncated(err, "in the index"))
	}
	foot, err := z.dec.src.take(streamFooterSize)
	if err == nil {
		err = checkFooter(foot, z.flags, size)
	}
	if err != nil {
		return fmt.Errorf("cannot read the xz stream footer: %w", truncated(err, "in a stream footer"))
	}
	more, err := skipPadding(&z.dec.src)
	if err != nil {
		return fmt.Errorf("cannot read the xz stream padding: %w", err)
	}
	if !more {
		return io.EOF
	}
	return z.beginStream()
}
