// Package gce writes disks as Google Compute Engine imports them: a file disk.raw in a tar of the old GNU form, which
// says where it has holes, compressed by gzip. The size of the disk is a multiple of one GiB there. The bytes are a
// function of content and time.
package gce

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"kiln"
	"kiln/internal/disk/sparse"
)

// Alignment is what the size of a disk must be a multiple of, in bytes.
const Alignment = 1 << 30

const (
	blockSize = 512
	// unit is what is told apart as a hole, in bytes.
	unit       = 64 << 10
	inHeader   = 4  // pieces that the header of a sparse file names
	inExtended = 21 // and each block behind it
	record     = 20 * blockSize
	maxOctal   = 1 << 33 // bytes: what 11 octal digits say
)

// piece is a run of units that hold something.
type piece struct{ off, size int64 }

// Write writes the disk, whose size is a multiple of Alignment.
func Write(ctx context.Context, w io.Writer, m *sparse.Image, epoch kiln.Epoch) error {
	if err := write(ctx, w, m, epoch); err != nil {
		return fmt.Errorf("cannot write the tar for Google Compute Engine: %w", err)
	}
	return nil
}

func write(ctx context.Context, w io.Writer, m *sparse.Image, epoch kiln.Epoch) error {
	if m.Size()%Alignment != 0 || m.Size() == 0 {
		return fmt.Errorf("%d bytes are no size for it: want a multiple of %d", m.Size(), Alignment)
	}
	pieces, err := piecesOf(ctx, m)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(z, 1<<20)
	n, err := out.Write(headers(pieces, m.Size(), epoch))
	if err != nil {
		return err
	}
	total := int64(n)
	for _, p := range pieces {
		if p.size > 0 {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if _, err := io.Copy(out, io.NewSectionReader(m, p.off, p.size)); err != nil {
				return err
			}
			total += p.size
		}
	}
	end := 2 * int64(blockSize)
	end += (record - (total+end)%record) % record
	if _, err := out.Write(make([]byte, end)); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return z.Close()
}

// piecesOf finds what the disk holds; the last piece is an empty one at the end where
// the disk ends in a hole.
func piecesOf(ctx context.Context, m *sparse.Image) (all []piece, err error) {
	look := func() func([]byte) (int64, error) {
		return func(b []byte) (int64, error) { return int64(len(b)), nil }
	}
	err = sparse.Each(ctx, m, unit, look, func(off, size int64) error {
		if n := len(all); n > 0 && all[n-1].off+all[n-1].size == off {
			all[n-1].size += size
			return nil
		}
		all = append(all, piece{off, size})
		return nil
	})
	if n := len(all); n == 0 || all[n-1].off+all[n-1].size < m.Size() {
		all = append(all, piece{m.Size(), 0})
	}
	return all, err
}

// headers is the header of disk.raw, with the blocks that name the pieces which have no room in it.
func headers(pieces []piece, size int64, epoch kiln.Epoch) []byte {
	b := make([]byte, blockSize)
	stored := int64(0)
	for _, p := range pieces {
		stored += p.size
	}
	copy(b, "disk.raw")
	number(b[100:108], 0o644)
	number(b[108:116], 0)
	number(b[116:124], 0)
	number(b[124:136], stored)
	number(b[136:148], int64(epoch))
	b[156] = 'S'
	copy(b[257:265], "ustar  \x00")
	rest := name(b[386:], pieces, inHeader)
	if len(rest) > 0 {
		b[482] = 1
	}
	number(b[483:495], size)
	copy(b[148:156], "        ")
	sum := int64(0)
	for _, c := range b {
		sum += int64(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	for len(rest) > 0 {
		more := make([]byte, blockSize)
		if rest = name(more, rest, inExtended); len(rest) > 0 {
			more[504] = 1
		}
		b = append(b, more...)
	}
	return b
}

// name writes where up to n pieces lie; it returns those that are left.
func name(b []byte, pieces []piece, n int) []piece {
	n = min(n, len(pieces))
	for i, p := range pieces[:n] {
		number(b[24*i:24*i+12], p.off)
		number(b[24*i+12:24*i+24], p.size)
	}
	return pieces[n:]
}

// number fills a field: octal digits and a zero byte, or, of what has more of them, bytes behind a mark.
func number(b []byte, v int64) {
	if len(b) == 12 && v >= maxOctal {
		b[0] = 0x80
		for i := range 8 {
			b[len(b)-1-i] = byte(v >> (8 * i))
		}
		return
	}
	copy(b, fmt.Sprintf("%0*o", len(b)-1, v))
}
