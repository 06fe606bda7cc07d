package sparse

import (
	"context"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Each hands every block of unit bytes that is not all zeros to work, on all processors, and what
// work made of it to take, in order. The last block of the disk can be shorter.
// A worker is made for each processor: it may keep what it needs for its work.
func Each[T any](ctx context.Context, m *Image, unit int64, worker func() func(block []byte) (T, error), take func(off int64, v T) error) error {
	n := runtime.GOMAXPROCS(0)
	g, ctx := errgroup.WithContext(ctx)
	l := &line[T]{m: m, unit: unit, order: make(chan *piece[T], 4*n), work: make(chan *piece[T])}
	g.Go(func() error { return l.feed(ctx) })
	for range n {
		g.Go(func() error { return l.labour(worker()) })
	}
	g.Go(func() error { return l.take(ctx, take) })
	return g.Wait()
}

// line is where pieces pass: each goes to whoever is free, and to the taker, who waits for it.
type line[T any] struct {
	m           *Image
	unit        int64
	order, work chan *piece[T]
}

// piece is a block on its way.
type piece[T any] struct {
	off  int64
	v    T
	zero bool
	done chan struct{} // closed when v is there
}

// feed begins with each block that may hold something.
func (l *line[T]) feed(ctx context.Context) (err error) {
	defer close(l.order)
	defer close(l.work)
	l.m.places(l.unit, func(off int64) bool {
		p := &piece[T]{off: off, done: make(chan struct{})}
		for _, c := range []chan *piece[T]{l.order, l.work} {
			select {
			case c <- p:
			case <-ctx.Done():
				err = context.Cause(ctx)
				return false
			}
		}
		return true
	})
	return err
}

// labour does the work on pieces.
func (l *line[T]) labour(do func([]byte) (T, error)) error {
	b := make([]byte, l.unit)
	for p := range l.work {
		block := b[:min(l.unit, l.m.size-p.off)]
		if _, err := l.m.ReadAt(block, p.off); err != nil && err != io.EOF {
			return err
		}
		if p.zero = Zero(block); !p.zero {
			var err error
			if p.v, err = do(block); err != nil {
				return err
			}
		}
		close(p.done)
	}
	return nil
}

// take hands over what became of the pieces.
func (l *line[T]) take(ctx context.Context, take func(off int64, v T) error) error {
	for p := range l.order {
		select {
		case <-p.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.zero {
			continue
		}
		if err := take(p.off, p.v); err != nil {
			return err
		}
	}
	return nil
}

// rawBlock is what a raw disk is written in, in bytes: what a file system keeps a hole of.
const rawBlock = 64 << 10

// WriteRaw writes the disk byte by byte, and leaves out what is zero.
func WriteRaw(ctx context.Context, w io.WriterAt, m *Image) error {
	var failed error
	b := make([]byte, rawBlock)
	m.places(rawBlock, func(off int64) bool {
		block := b[:min(rawBlock, m.size-off)]
		if failed = ctx.Err(); failed != nil {
			failed = context.Cause(ctx)
			return false
		}
		if _, err := m.ReadAt(block, off); err != nil {
			failed = err
			return false
		}
		if !Zero(block) {
			_, failed = w.WriteAt(block, off)
		}
		return failed == nil
	})
	return failed
}
