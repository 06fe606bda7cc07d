package apt

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kiln"
)

// progressGrain is how many bytes of a download pass between two Progress events.
const progressGrain = 64 << 10

// fromMirror downloads one file from one mirror, with as many attempts as it
// takes: a transfer that was cut goes on where it ended.
func (c *Client) fromMirror(ctx context.Context, at place, d download) error {
	p := &part{store: c.Store, want: d}
	defer p.discard()
	for n := 1; ; n++ {
		err := c.attempt(ctx, at, p)
		if err == nil {
			if err = p.commit(); err == nil {
				return nil
			}
		}
		var t *trouble
		if !errors.As(err, &t) || !t.again {
			return err
		}
		if n == c.Retry.WithDefaults().Attempts {
			return t.after(n)
		}
		if err := c.retry(ctx, n, at, t); err != nil {
			return err
		}
	}
}

func (t *trouble) after(n int) *trouble {
	if n == 1 {
		return t
	}
	more := *t
	more.text = fmt.Sprintf("%s (%d attempts)", t.text, n)
	return &more
}

// attempt makes one request and takes in what it gives.
func (c *Client) attempt(ctx context.Context, at place, p *part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := c.guard(cancel)
	defer g.Stop()
	b, err := c.open(ctx, at, p.got)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.size >= 0 && b.size != p.want.size {
		return p.wrongSize(b)
	}
	if err := p.begin(b.from); err != nil {
		return err
	}
	buf := make([]byte, 128<<10)
	var told int64
	for {
		n, err := b.Read(buf)
		g.Moved(n)
		if werr := p.write(buf[:n]); werr != nil {
			return werr
		}
		if p.got-told >= progressGrain {
			told = p.got
			c.Sink.Send(p.want.event(kiln.Progress, p.got))
		}
		if err == io.EOF {
			return p.complete()
		}
		if err != nil {
			return cut(ctx, err, p.got)
		}
	}
}

// cut words the end of a transfer before its time.
func cut(ctx context.Context, err error, got int64) error {
	err = unreachable(ctx, err)
	var t *trouble
	if errors.As(err, &t) && errors.Is(t.err, io.ErrUnexpectedEOF) {
		return &trouble{text: fmt.Sprintf("the transfer was cut after %d bytes", got), err: t.err, again: true}
	}
	return err
}
