package registry

import (
	"context"
	"errors"
	"fmt"
	"kiln/internal/patience"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kiln"
)

// Retry says how patient a client is with a registry: how often it tries without progress
// at one blob or document, and the rest of it.
type Retry struct {
	patience.Policy
	Patience time.Duration // longest pause that a registry may ask for (Retry-After); default 5 min
}

func (r Retry) withDefaults() Retry {
	r.Policy = r.WithDefaults()
	if r.Patience <= 0 {
		r.Patience = 5 * time.Minute
	}
	return r
}

// rationed is how many times as often a registry is asked that answers, and wants to be asked
// more rarely: with several requests to one blob, one of them is turned away again and again.
const rationed = 4

// most is how many attempts there are where they come to t.
func (r Retry) most(t *trouble) int {
	if t.status == http.StatusTooManyRequests {
		return rationed * r.Attempts
	}
	return r.Attempts
}

// mostProgress is how many bytes an attempt has to move so that those before it are
// forgotten. A blob has an end, so that this has one, too.
const mostProgress = 1 << 20

// attempts calls try, which does one attempt at subject, until it gives no error that
// waiting may mend, and waits between two. try tells how many bytes it moved.
func (h *host) attempts(ctx context.Context, step kiln.Step, subject string, try func(ctx context.Context, g *patience.Guard) (moved int64, err error)) error {
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
		if n >= r.most(t) {
			return t.after(n)
		}
		pause := r.Pause(n, fmt.Sprintf("%s %s %d %d", h.name, subject, n, h.client.now().UnixNano()))
		if t.wait > 0 {
			if pause = t.wait; pause > r.Patience {
				return t.tooLong(r.Patience)
			}
		}
		h.client.Sink.Send(kiln.Event{Step: step, State: kiln.Warning, Subject: subject,
			Text: fmt.Sprintf("%s: %s; trying again in %s (%d of %d)", subject, t.text, pause.Round(time.Millisecond), n, r.most(t)-1)})
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (h *host) attempt(ctx context.Context, r Retry, try func(ctx context.Context, g *patience.Guard) (int64, error)) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := patience.NewGuard(r.Stall, func(text string) { cancel(&trouble{text: text, again: true}) })
	defer g.Stop()
	return try(ctx, g)
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
