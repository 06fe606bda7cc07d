package apt

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/store"
)

// Fetch brings every item into the store, several at once. It stops at the first
// that cannot be had.
func (c *Client) Fetch(ctx context.Context, items []Item) error {
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
		if n == c.Retry.withDefaults().Attempts {
			return t.after(n)
		}
		if err := c.pause(ctx, n, at.url().String()); err != nil {
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
	g := newGuard(cancel, c.Retry.withDefaults().Stall)
	defer g.stop()
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
		g.moved(n)
		if werr := p.write(buf[:n]); werr != nil {
			return werr
		}
		if p.got-told >= 1<<20 {
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

// part is a file on its way into the store.
type part struct {
	store   *store.Store
	want    download
	w       *store.Writer
	hash    kiln.Digester
	got     int64
	head    []byte // its first bytes, to tell a web page
	resumed bool
}

// begin makes ready to take in bytes from the given offset on: the end of what
// is there, or the start again.
func (p *part) begin(from int64) error {
	if from > 0 {
		p.resumed = true
		return nil
	}
	p.discard()
	w, err := p.store.Create()
	if err != nil {
		return err
	}
	p.w, p.hash = w, kiln.NewDigester()
	return nil
}

func (p *part) write(b []byte) error {
	if p.got += int64(len(b)); p.got > p.want.size {
		return p.altered(fmt.Sprintf("more than %d bytes", p.want.size))
	}
	if room := 512 - len(p.head); room > 0 {
		p.head = append(p.head, b[:min(room, len(b))]...)
	}
	p.hash.Write(b)
	_, err := p.w.Write(b)
	return err
}

// complete tells a file that ended from one that was cut without saying so.
func (p *part) complete() error {
	if p.got < p.want.size {
		return &trouble{text: fmt.Sprintf("the transfer ended after %d of %d bytes", p.got, p.want.size), again: true}
	}
	return nil
}

// commit gives the file its place, if it is the right one. Pieces of two
// attempts that do not fit together are worth another attempt from the start.
func (p *part) commit() error {
	if got := p.hash.Digest(); got != p.want.digest {
		err := p.altered(string(got))
		err.again, p.resumed = p.resumed, false
		p.discard()
		return err
	}
	w := p.w
	p.w = nil
	_, _, err := w.Commit(p.want.digest)
	return err
}

func (p *part) discard() {
	if p.w != nil {
		p.w.Discard()
	}
	p.w, p.got, p.head = nil, 0, nil
}

func (p *part) wrongSize(b *body) error {
	head := make([]byte, 512)
	n, _ := io.ReadFull(b, head)
	p.head = head[:n]
	return p.altered(fmt.Sprintf("%d bytes", b.size))
}

func (p *part) altered(got string) *trouble {
	text := fmt.Sprintf("the content is another: want %d bytes, %s, got %s", p.want.size, p.want.digest, got)
	if looksLikeHTML(p.head) {
		text = "a web page was served in place of the file (a captive portal?)"
	}
	return &trouble{text: text, altered: true}
}

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
		if n == c.Retry.withDefaults().Attempts {
			return nil, t.after(n)
		}
		if err := c.pause(ctx, n, at.url().String()); err != nil {
			return nil, err
		}
	}
}

func (c *Client) readOnce(ctx context.Context, at place) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := newGuard(cancel, c.Retry.withDefaults().Stall)
	defer g.stop()
	b, err := c.open(ctx, at, 0)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	content, err := io.ReadAll(io.LimitReader(watched{b, g}, maxRelease+1))
	if err != nil {
		return nil, cut(ctx, err, int64(len(content)))
	}
	if len(content) > maxRelease {
		return nil, &trouble{text: fmt.Sprintf("it is longer than %d bytes", maxRelease)}
	}
	return content, nil
}

// watched tells a guard of what is read.
type watched struct {
	io.Reader
	guard *guard
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.guard.moved(n)
	return n, err
}
