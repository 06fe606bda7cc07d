// Package patience is how long a client waits for a server: how often it tries, how
// long it pauses in between, and when a connection on which too little moves is given up.
package patience

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Policy says how patient a client is. The zero value means the defaults.
type Policy struct {
	Attempts int           // at one thing; default 5
	Base     time.Duration // pause after the first failure, doubled after each further one; default 500 ms
	Max      time.Duration // longest pause of our own choice; default 15 s
	Stall    time.Duration // longest time without progress before an attempt is given up; default 30 s
	// Sleep waits, or returns the cause of ctx's end. Default: it waits.
	Sleep func(ctx context.Context, d time.Duration) error
	// Jitter spreads the pauses of machines that failed together: 0 <= j < 1.
	// Default: from what Pause is told.
	Jitter func() float64
}

// WithDefaults is p with every field set but Jitter.
func (p Policy) WithDefaults() Policy {
	if p.Attempts <= 0 {
		p.Attempts = 5
	}
	if p.Base <= 0 {
		p.Base = 500 * time.Millisecond
	}
	if p.Max <= 0 {
		p.Max = 15 * time.Second
	}
	if p.Stall <= 0 {
		p.Stall = 30 * time.Second
	}
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	return p
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// Pause is how long to wait after failure n, counted from 1: between half and the
// whole of Base times 2 to the n-1, and no longer than Max. The part that is chance
// elsewhere comes from moment, a text of what failed, where and when, so that machines do not
// ask together, and a test knows what will be.
func (p Policy) Pause(n int, moment string) time.Duration {
	p = p.WithDefaults()
	d := p.Max
	if n < 32 && p.Base<<(n-1) < p.Max {
		d = p.Base << (n - 1)
	}
	part := spread(moment)
	if p.Jitter != nil {
		part = p.Jitter()
	}
	return d/2 + time.Duration(part*float64(d/2))
}

// spread maps s to a number from 0 up to 1.
func spread(s string) float64 {
	sum := sha256.Sum256([]byte(s))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
