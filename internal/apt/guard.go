package apt

import (
	"context"
	"fmt"
	"time"
)

// guard ends a context when nothing moves for a while.
type guard struct {
	timer *time.Timer
	limit time.Duration
	since int64 // bytes since the timer was set
}

// minProgress is how many bytes count as progress: a server that drips one byte
// at a time is as bad as one that sends none.
const minProgress = 1024

func newGuard(cancel context.CancelCauseFunc, limit time.Duration) *guard {
	stalled := &trouble{text: fmt.Sprintf("the server is too slow: less than %d bytes in %s", minProgress, limit), again: true}
	return &guard{timer: time.AfterFunc(limit, func() { cancel(stalled) }), limit: limit}
}

func (g *guard) moved(n int) {
	if g.since += int64(n); g.since >= minProgress {
		g.since = 0
		g.timer.Reset(g.limit)
	}
}

func (g *guard) stop() { g.timer.Stop() }
