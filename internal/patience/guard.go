package patience

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// minProgress is how many bytes count as progress: a server that drips one byte
// at a time is as bad as one that sends none.
const minProgress = 1024

// Guard calls a function when nothing moves for a while.
type Guard struct {
	timer *time.Timer
	limit time.Duration
	since atomic.Int64 // bytes since the timer was set
}

// NewGuard calls tooSlow, once and with what to say of it, when less than 1024 bytes moved in limit.
func NewGuard(limit time.Duration, tooSlow func(text string)) *Guard {
	text := fmt.Sprintf("the server is too slow: less than %d bytes in %s", minProgress, limit)
	return &Guard{timer: time.AfterFunc(limit, func() { tooSlow(text) }), limit: limit}
}

// Moved tells it of n bytes.
func (g *Guard) Moved(n int) {
	if g.since.Add(int64(n)) >= minProgress {
		g.since.Store(0)
		g.timer.Reset(g.limit)
	}
}

// Wait begins a new span: something else is waited for now.
func (g *Guard) Wait(limit time.Duration) {
	g.limit = limit
	g.timer.Reset(limit)
}

// Stop ends it.
func (g *Guard) Stop() { g.timer.Stop() }

// Watch is r, with g told of what is read.
func (g *Guard) Watch(r io.Reader) io.Reader { return watched{r, g} }

type watched struct {
	io.Reader
	guard *Guard
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.guard.Moved(n)
	return n, err
}
