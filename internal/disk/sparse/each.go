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
	type piece struct {
		off  int64
		v    T
		zero bool
		done chan struct{}
	}
	n := runtime.GOMAXPROCS(0)
	g, ctx := errgroup.WithContext(ctx)
	order, work := make(chan *piece, 4*n), make(chan *piece)
	g.Go(func() error {
		defer close(order)
		defer close(work)
		var stopped error
		m.places(unit, func(off int64) bool {
			p := &piece{off: off, done: make(chan struct{})}
			for _, c := range []chan *piece{order, work} {
				select {
				case c <- p:
				case <-ctx.Done():
					stopped = context.Cause(ctx)
					return false
				}
			}
			return true
		})
		return stopped
	})
	for range n {
		g.Go(func() error {
			do, b := worker(), make([]byte, unit)
			for p := range work {
				block := b[:min(unit, m.size-p.off)]
				if _, err := m.ReadAt(block, p.off); err != nil && err != io.EOF {
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
		})
	}
	g.Go(func() error {
		for p := range order {
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
	})
	return g.Wait()
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
