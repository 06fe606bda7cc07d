package registry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kiln"
)

// Retry says how patient a client is with a registry.
type Retry struct {
	Attempts int           // without progress at one blob or document; default 5
	Base     time.Duration // pause after the first failure, doubled after each further one; default 500 ms
	Max      time.Duration // longest pause of our own choice; default 15 s
	Patience time.Duration // longest pause that a registry may ask for (Retry-After); default 5 min
	Stall    time.Duration // longest time without progress before an attempt is given up; default 30 s
	// Sleep waits, or returns ctx's error. Default: it waits.
	Sleep func(ctx context.Context, d time.Duration) error
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
	if r.Patience <= 0 {
		r.Patience = 5 * time.Minute
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
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// mostProgress is how many bytes an attempt has to move so that those before it are
// forgotten. A blob has an end, so that this has one, too.
const mostProgress = 1 << 20

// attempts calls try, which does one attempt at subject, until it gives no error that
// waiting may mend, and waits between two. try tells how many bytes it moved.
func (h *host) attempts(ctx context.Context, step kiln.Step, subject string, try func(ctx context.Context, g *guard) (moved int64, err error)) error {
	r := h.client.Retry.withDefaults()
	for n := 1; ; n++ {
		moved, err := h.attempt(ctx, r, try)
		var t *trouble
		if err == nil || ctx.Err() != nil || !errors.As(err, &t) || !t.again {
			return err
		}
		if moved >= mostProgress {
			n = 1
		}
		if n >= r.Attempts {
			return t.after(n)
		}
		pause := h.pause(r, n, subject)
		if t.wait > 0 {
			if pause = t.wait; pause > r.Patience {
				return t.tooLong(r.Patience)
			}
		}
		h.client.Sink.Send(kiln.Event{Step: step, State: kiln.Warning, Subject: subject,
			Text: fmt.Sprintf("%s: %s; trying again in %s (%d of %d)", subject, t.text, pause.Round(time.Millisecond), n, r.Attempts-1)})
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (h *host) attempt(ctx context.Context, r Retry, try func(ctx context.Context, g *guard) (int64, error)) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := newGuard(cancel, r.Stall)
	defer g.stop()
	return try(ctx, g)
}

// pause is how long to wait after failure n, counted from 1: between half and the
// whole of Base times 2 to the n-1, and no longer than Max. The part that is chance
// elsewhere comes from what failed and when, so that machines do not ask together.
func (h *host) pause(r Retry, n int, subject string) time.Duration {
	d := r.Max
	if n < 32 && r.Base<<(n-1) < r.Max {
		d = r.Base << (n - 1)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", h.name, subject, n, h.client.now().UnixNano()))
	part := float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
	return d/2 + time.Duration(part*float64(d/2))
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3); 0 where there
// is none that can be read.
func retryAfter(header http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(header.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
