package registry

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// guard ends a context when nothing moves for a while.
type guard struct {
	timer *time.Timer
	limit time.Duration
	since atomic.Int64 // bytes since the timer was set
}

// minProgress is how many bytes count as progress: a server that drips one byte at a
// time is as bad as one that sends none.
const minProgress = 1024

func newGuard(cancel context.CancelCauseFunc, limit time.Duration) *guard {
	stalled := &trouble{text: fmt.Sprintf("the server is too slow: less than %d bytes in %s", minProgress, limit), again: true}
	return &guard{timer: time.AfterFunc(limit, func() { cancel(stalled) }), limit: limit}
}

func (g *guard) moved(n int) {
	if g.since.Add(int64(n)) >= minProgress {
		g.since.Store(0)
		g.timer.Reset(g.limit)
	}
}

// wait begins a new span: something else is waited for now.
func (g *guard) wait(limit time.Duration) {
	g.limit = limit
	g.timer.Reset(limit)
}

func (g *guard) stop() { g.timer.Stop() }

// watched tells a guard of what is read.
type watched struct {
	io.Reader
	guard *guard
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.guard.moved(n)
	return n, err
}
