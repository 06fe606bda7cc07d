package patience_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"kiln/internal/patience"
)

func TestPausesGrowAndEnd(t *testing.T) {
	p := patience.Policy{Base: time.Second, Max: 10 * time.Second}
	for n, most := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 8, 5: 10, 31: 10, 400: 10} {
		most *= time.Second
		if d := p.Pause(n, "x"); d < most/2 || d >= most {
			t.Errorf("after failure %d: %s, want %s to %s", n, d, most/2, most)
		}
	}
	if first := p.Pause(1, "a"); first != p.Pause(1, "a") || first == p.Pause(1, "b") {
		t.Error("what is spread does not depend on the moment alone")
	}
	p.Jitter = func() float64 { return 0.5 }
	if d := p.Pause(1, "a"); d != 750*time.Millisecond {
		t.Error(d)
	}
}

func TestDefaults(t *testing.T) {
	p := patience.Policy{Attempts: 2}.WithDefaults()
	if p.Attempts != 2 || p.Base <= 0 || p.Max < p.Base || p.Stall <= 0 || p.Sleep == nil {
		t.Errorf("%+v", p)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("over")
	cancel(over)
	if err := p.Sleep(ctx, time.Hour); err != over {
		t.Error(err)
	}
}

func TestGuard(t *testing.T) {
	said := make(chan string, 2)
	g := patience.NewGuard(time.Millisecond, func(text string) { said <- text })
	if text := <-said; !strings.Contains(text, "less than 1024 bytes in 1ms") {
		t.Error(text)
	}
	g.Stop()

	g = patience.NewGuard(time.Hour, func(text string) { said <- text })
	defer g.Stop()
	if b, err := io.ReadAll(g.Watch(bytes.NewReader(make([]byte, 5000)))); len(b) != 5000 || err != nil {
		t.Error(len(b), err)
	}
	g.Wait(time.Millisecond)
	<-said
}
