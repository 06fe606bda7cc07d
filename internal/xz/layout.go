package xz

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// place is where a block stands in a file, by the index.
type place struct {
	record
	flags  flags
	offset int64
}

// length returns the bytes of the block with its padding.
func (p place) length() int64 { return int64(p.unpadded) + int64(pad(int64(p.unpadded))) }

// layoutBudget bounds the bytes of indexes and padding that are read from the
// end. A block takes at least two of them.
const layoutBudget = 1 << 20

// errLayout says that a file must be read from its start: either it is damaged,
// which will show there in its place, or its layout passes the budget.
var errLayout = errors.New("the layout cannot be read from the end")

// layoutReader finds the blocks of a file by the footers and indexes of its
// streams, the last one first. What stands between blocks is verified on the way.
type layoutReader struct {
	r      io.ReaderAt
	end    int64 // of what is not known yet
	budget int64
	places []place // the last block first
}

func readLayout(r io.ReaderAt, size int64) ([]place, error) {
	l := &layoutReader{r: r, end: size, budget: layoutBudget}
	for l.end > 0 {
		if err := l.stream(); err != nil {
			return nil, err
		}
	}
	slices.Reverse(l.places)
	return l.places, nil
}

// take returns the last n bytes of what is not known yet.
func (l *layoutReader) take(n int64) ([]byte, error) {
	l.budget -= n
	l.end -= n
	if l.budget < 0 || l.end < 0 {
		return nil, errLayout
	}
	b := make([]byte, n)
	if got, err := l.r.ReadAt(b, l.end); got < len(b) {
		return nil, err
	}
	return b, nil
}

// stream takes the last stream and the padding behind it.
func (l *layoutReader) stream() error {
	tail, err := l.take(4)
	for err == nil && isZero(tail) {
		tail, err = l.take(4)
	}
	if err != nil {
		return err
	}
	foot, err := l.take(streamFooterSize - 4)
	if err != nil {
		return err
	}
	f, size, err := parseFooter(append(foot, tail...))
	if err != nil {
		return err
	}
	index, err := l.take(size)
	if err != nil {
		return err
	}
	if err := l.blocks(index, f); err != nil {
		return err
	}
	head, err := l.take(streamHeaderSize)
	if err != nil {
		return err
	}
	if g, err := parseStreamHeader(head); err != nil || g != f {
		return errLayout
	}
	return nil
}

// blocks adds the blocks of an index, whose last one ends at l.end.
func (l *layoutReader) blocks(index []byte, f flags) error {
	var places []place
	sums := newRecords()
	size, err := walkIndex(&source{r: bytes.NewReader(index)}, func(uint64) error { return nil }, func(r record) error {
		sums.add(r)
		if sums.overflows() || sums.packed > uint64(l.end) {
			return errLayout
		}
		places = append(places, place{record: r, flags: f})
		return nil
	})
	if err != nil || size != int64(len(index)) {
		return errLayout
	}
	for _, p := range slices.Backward(places) {
		l.end -= p.length()
		p.offset = l.end
		l.places = append(l.places, p)
	}
	return nil
}
