package apt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"kiln"
)

// Retry says how patient a client is with a mirror.
type Retry struct {
	Attempts int           // at one file from one mirror; default 5
	Base     time.Duration // pause after the first failure, doubled after each further one; default 500 ms
	Max      time.Duration // longest pause; default 15 s
	Stall    time.Duration // longest time without progress before an attempt is given up; default 30 s
	// Sleep waits, or returns ctx's error. Default: it waits.
	Sleep func(ctx context.Context, d time.Duration) error
	// Jitter spreads the pauses of machines that failed together: 0 <= j < 1.
	// Default: from the address, the attempt and the time of judging.
	Jitter func() float64
}

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.Base <= 0 {
		r.Base = 500 * time.Millisecond
	}
	if r.Max <= 0 {
		r.Max = 15 * time.Second
	}
	if r.Stall <= 0 {
		r.Stall = 30 * time.Second
	}
	if r.Sleep == nil {
		r.Sleep = sleep
	}
	return r
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// retry says that attempt n failed and will be made again, and waits for it.
func (c *Client) retry(ctx context.Context, n int, at place, t *trouble) error {
	address := at.url().Redacted()
	c.Sink.Send(kiln.Event{Step: kiln.StepFetch, State: kiln.Warning, Subject: address,
		Text: fmt.Sprintf("%s: %s; trying again (%d of %d)", address, t.text, n, c.Retry.withDefaults().Attempts-1)})
	return c.pause(ctx, n, address)
}

// pause waits after failure n, counted from 1: between half and the whole of
// Base times 2 to the n-1, and no longer than Max.
func (c *Client) pause(ctx context.Context, n int, address string) error {
	r := c.Retry.withDefaults()
	d := r.Max
	if n < 32 && r.Base<<(n-1) < r.Max {
		d = r.Base << (n - 1)
	}
	jitter := r.Jitter
	if jitter == nil {
		jitter = func() float64 { return spread(fmt.Sprintf("%s %d %d", address, n, c.Now.UnixNano())) }
	}
	return r.Sleep(ctx, d/2+time.Duration(jitter()*float64(d/2)))
}

// spread maps s to a number from 0 up to 1.
func spread(s string) float64 {
	sum := sha256.Sum256([]byte(s))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
