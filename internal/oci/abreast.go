package oci

import (
	"context"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

const (
	laneBlock  = 256 << 10 // bytes
	laneBlocks = 4         // of a part, made and not written yet
)

// abreast writes n parts to w, one after the other, while as many as there are processors
// are made: number i is what part writes, in a goroutine of its own. Of several errors, that of the
// first part that has one is returned.
func abreast(ctx context.Context, n int, part func(ctx context.Context, i int, w io.Writer) error, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	lanes := newLanes()
	group.Go(func() error {
		defer close(lanes.begun)
		for i := range n {
			l := lanes.lane(ctx)
			select {
			case lanes.begun <- l:
			case <-ctx.Done():
				return nil
			}
			group.Go(func() error {
				l.end(part(ctx, i, l))
				return nil
			})
		}
		return nil
	})
	err := lanes.join(w)
	if err == nil {
		err = context.Cause(ctx) // parts may be missing
	}
	cancel()
	_ = group.Wait() // each part's error is with its lane
	return err
}

// lanes are the parts under way, in order.
type lanes struct {
	begun chan *lane
	spare chan []byte
}

func newLanes() *lanes {
	n := runtime.GOMAXPROCS(0)
	return &lanes{begun: make(chan *lane, n), spare: make(chan []byte, (n+2)*laneBlocks)}
}

// join writes what the lanes bring.
func (all *lanes) join(w io.Writer) error {
	for l := range all.begun {
		for b := range l.full {
			if _, err := w.Write(b); err != nil {
				return err
			}
			select {
			case all.spare <- b[:0]:
			default:
			}
		}
		if l.err != nil {
			return l.err
		}
	}
	return nil
}

// lane takes in one part. It is used by one goroutine, and ends with end.
type lane struct {
	ctx   context.Context // of one abreast
	all   *lanes
	block []byte // being filled
	full  chan []byte
	err   error // set before full is closed
}

func (all *lanes) lane(ctx context.Context) *lane {
	return &lane{ctx: ctx, all: all, full: make(chan []byte, laneBlocks)}
}

// Write implements io.Writer.
func (l *lane) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if l.block == nil {
			l.block = l.all.empty()
		}
		room := min(cap(l.block)-len(l.block), len(b))
		l.block = append(l.block, b[:room]...)
		b = b[room:]
		if len(l.block) == cap(l.block) {
			if err := l.hand(); err != nil {
				return n - len(b), err
			}
		}
	}
	return n, nil
}

// empty returns a block to fill.
func (all *lanes) empty() []byte {
	select {
	case b := <-all.spare:
		return b
	default:
		return make([]byte, 0, laneBlock)
	}
}

// hand hands the block on.
func (l *lane) hand() error {
	select {
	case l.full <- l.block:
		l.block = nil
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

func (l *lane) end(err error) {
	if err == nil && len(l.block) > 0 {
		err = l.hand()
	}
	l.err = err
	close(l.full)
}
