package apt

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"kiln"
)

// Fetch brings every item into the store, several at once. It stops at the first
// that cannot be had.
func (c *Client) Fetch(ctx context.Context, items []Item) error {
	c.plan(items)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.parallel())
	for _, it := range items {
		g.Go(func() error {
			name, err := cleanPath(it.Path)
			if err != nil {
				return it.Pocket.refuse([]string{hintUpdate()}, "%v", err)
			}
			return c.bring(ctx, download{
				pocket:  it.Pocket,
				step:    kiln.StepFetch,
				paths:   []string{name},
				digest:  it.Digest,
				size:    it.Size,
				subject: it.subject(),
			})
		})
	}
	return g.Wait()
}

// plan tells how much is to be fetched.
func (c *Client) plan(items []Item) {
	var total int64
	for _, it := range items {
		total += it.Size
	}
	c.Sink.Plan(kiln.StepFetch, len(items), total)
}

// download is one file whose digest is known.
type download struct {
	pocket  Pocket
	step    kiln.Step
	paths   []string // below the archive's root; one that is missing gives way to the next
	digest  kiln.Digest
	size    int64
	subject string
}

func (d download) event(s kiln.State, done int64) kiln.Event {
	return kiln.Event{Step: d.step, State: s, Subject: d.subject, Done: done, Total: d.size}
}

// bring downloads d into the store, unless it is there or another process brings
// it meanwhile.
func (c *Client) bring(ctx context.Context, d download) error {
	if c.Store.Has(d.digest) {
		c.Sink.Send(d.event(kiln.Cached, d.size))
		return nil
	}
	return c.Store.Once(ctx, kiln.DigestOf([]byte("fetch "+d.digest)), func() error {
		if c.Store.Has(d.digest) {
			c.Sink.Send(d.event(kiln.Cached, d.size))
			return nil
		}
		c.Sink.Send(d.event(kiln.Started, 0))
		if err := c.fromMirrors(ctx, d); err != nil {
			c.Sink.Send(d.event(kiln.Failed, 0))
			return err
		}
		c.Sink.Send(d.event(kiln.Finished, d.size))
		return nil
	})
}

// fromMirrors tries each mirror in turn, and on each the paths.
func (c *Client) fromMirrors(ctx context.Context, d download) error {
	bases, err := c.bases(d.pocket)
	if err != nil {
		return err
	}
	var tried trials
	for _, base := range bases {
		for _, p := range d.paths {
			if err = c.fromMirror(ctx, place{base, p}, d); err == nil {
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !isMissing(err) {
				break
			}
		}
		var t *trouble
		if !errors.As(err, &t) {
			return err // the store's, not the mirror's
		}
		tried.add(base, err)
	}
	return tried.file(d)
}
