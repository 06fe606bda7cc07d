package apt

import (
	"context"
	"fmt"

	"kiln"
	"kiln/internal/patience"
)

// retry says that attempt n failed and will be made again, and waits for it.
func (c *Client) retry(ctx context.Context, n int, at place, t *trouble) error {
	address := at.url().Redacted()
	c.Sink.Send(kiln.Event{Step: kiln.StepFetch, State: kiln.Warning, Subject: address,
		Text: fmt.Sprintf("%s: %s; trying again (%d of %d)", address, t.text, n, c.Retry.WithDefaults().Attempts-1)})
	return c.pause(ctx, n, address)
}

// pause waits after failure n, counted from 1.
func (c *Client) pause(ctx context.Context, n int, address string) error {
	d := c.Retry.Pause(n, fmt.Sprintf("%s %d %d", address, n, c.Now.UnixNano()))
	return c.Retry.WithDefaults().Sleep(ctx, d)
}

// guard ends a context when nothing moves for a while.
func (c *Client) guard(cancel context.CancelCauseFunc) *patience.Guard {
	return patience.NewGuard(c.Retry.WithDefaults().Stall, func(text string) { cancel(&trouble{text: text, again: true}) })
}
