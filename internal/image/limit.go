package image

import (
	"fmt"
	"io"

	"kiln/internal/tree"
)

// Limits bound what an image may ask for. Zero fields are the defaults.
type Limits struct {
	Size    int64 // of all layers' tars together, in bytes; 0 means 64 GiB
	Ratio   int64 // of decompressed to compressed bytes of a layer, judged past its first 64 MiB; 0 means 2,000
	Entries int   // of all layers together; 0 means 4 million
	Names   int64 // of their paths, link targets and extended attributes together, in bytes; 0 means 512 MiB
}

const ratioFloor = 64 << 20

func (l Limits) withDefaults() Limits {
	if l.Size == 0 {
		l.Size = 64 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 2000
	}
	if l.Entries == 0 {
		l.Entries = 4 << 20
	}
	if l.Names == 0 {
		l.Names = 512 << 20
	}
	return l
}

// budget is what is left of Limits.
type budget struct{ left Limits }

// entry counts an entry before it is kept.
func (b *budget) entry(e *tree.Entry) error {
	b.left.Entries--
	b.left.Names -= int64(len(e.Path) + len(e.Link))
	for name, value := range e.Xattrs { // only to add up
		b.left.Names -= int64(len(name) + len(value))
	}
	switch {
	case b.left.Entries < 0:
		return refused("it has too many entries")
	case b.left.Names < 0:
		return refused("its names and extended attributes take too much room")
	}
	return nil
}

// bounded is a decompressed stream that counts against a budget.
type bounded struct {
	r        io.Reader
	consumed func() int64 // compressed bytes so far
	budget   *budget
	n        int64
	err      error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	b.budget.left.Size -= int64(n)
	switch {
	case b.budget.left.Size < 0, b.n > ratioFloor && b.n/b.budget.left.Ratio > b.consumed():
		b.err = refused("it is a decompression bomb: it passes %d bytes", b.n-int64(n))
		return 0, b.err
	case err != nil && err != io.EOF:
		b.err = fmt.Errorf("it is damaged: %w", err)
		return n, b.err
	}
	b.err = err
	return n, err
}
