package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// maxRelease bounds a Release and its signature, in bytes; Debian's has 140 kB.
const maxRelease = 16 << 20

// readSmall reads a file whose digest is not known yet.
func (c *Client) readSmall(ctx context.Context, at place) ([]byte, error) {
	for n := 1; ; n++ {
		b, err := c.readOnce(ctx, at)
		var t *trouble
		if err == nil || !errors.As(err, &t) || !t.again {
			return b, err
		}
		if n == c.Retry.WithDefaults().Attempts {
			return nil, t.after(n)
		}
		if err := c.retry(ctx, n, at, t); err != nil {
			return nil, err
		}
	}
}

func (c *Client) readOnce(ctx context.Context, at place) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := c.guard(cancel)
	defer g.Stop()
	b, err := c.open(ctx, at, 0)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	content, err := io.ReadAll(io.LimitReader(g.Watch(b), maxRelease+1))
	if err != nil {
		return nil, cut(ctx, err, int64(len(content)))
	}
	if len(content) > maxRelease {
		return nil, &trouble{text: fmt.Sprintf("it is longer than %d bytes", maxRelease)}
	}
	return content, nil
}
