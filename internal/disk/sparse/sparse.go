// Package sparse holds the content of a disk as a value: pieces that are there, and zeros
// between them. Whatever writes it in a format asks for the blocks that are not all zeros: so what is
// written depends on the content alone, and not on how it was put together.
package sparse

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Extent is a piece of content.
type Extent struct {
	Offset, Size int64 // bytes
	Data         io.ReaderAt
}

// Image is a disk.
type Image struct {
	size    int64
	extents []Extent // sorted, none empty, apart from each other
}

// New returns a disk of size bytes with the extents, in whatever order, which must lie on it and apart
// from each other.
func New(size int64, extents ...Extent) (*Image, error) {
	m := &Image{size: size}
	for _, e := range extents {
		if e.Size > 0 {
			m.extents = append(m.extents, e)
		}
	}
	slices.SortFunc(m.extents, func(x, y Extent) int { return cmp.Compare(x.Offset, y.Offset) })
	end := int64(0)
	for _, e := range m.extents {
		if e.Offset < end || e.Offset+e.Size > size {
			return nil, fmt.Errorf("bug: %d bytes at %d do not fit on a disk of %d, or are there twice", e.Size, e.Offset, size)
		}
		end = e.Offset + e.Size
	}
	return m, nil
}

// Size returns the size in bytes.
func (m *Image) Size() int64 { return m.size }

// ReadAt implements io.ReaderAt.
func (m *Image) ReadAt(b []byte, off int64) (int, error) {
	n := int(max(0, min(int64(len(b)), m.size-off)))
	part := b[:n]
	clear(part)
	first, _ := slices.BinarySearchFunc(m.extents, off, func(e Extent, off int64) int { return cmp.Compare(e.Offset+e.Size-1, off) })
	for _, e := range m.extents[first:] {
		from, to := max(e.Offset, off), min(e.Offset+e.Size, off+int64(n))
		if from >= to {
			break
		}
		want := part[from-off : to-off]
		if k, err := e.Data.ReadAt(want, from-e.Offset); k < len(want) {
			return 0, fmt.Errorf("cannot read %d bytes of what is to lie at %d: %w", len(want), e.Offset, err)
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// places yields where the blocks of so many bytes are in which an extent lies, in order.
func (m *Image) places(unit int64, yield func(off int64) bool) {
	next := int64(0)
	for _, e := range m.extents {
		for off := max(next, e.Offset/unit*unit); off < e.Offset+e.Size; off += unit {
			if !yield(off) {
				return
			}
			next = off + unit
		}
	}
}

// Zero reports whether b holds nothing but zeros.
func Zero(b []byte) bool {
	for len(b) >= len(zeros) {
		if string(b[:len(zeros)]) != string(zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return string(b) == string(zeros[:len(b)])
}

var zeros [4096]byte
