package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/patience"
	"kiln/internal/store"
)

// download is a blob on its way into the store.
type download struct {
	want  oci.Descriptor
	job   *kiln.Job
	w     *store.Writer
	got   int64
	again bool // it was begun anew, since pieces did not fit together
}

// fetch brings the blob d into the store, from the first of the places that has it.
// What one served in part, the next goes on with, also that of another run that was
// killed. Where another process fetches the same blob, it is waited for.
func (c *Client) fetch(ctx context.Context, places []place, d oci.Descriptor) error {
	key := kiln.DigestOf([]byte("kiln registry fetch\x00" + string(d.Digest)))
	return c.Store.Once(ctx, key, func() error { return c.fetchAlone(ctx, places, d) })
}

func (c *Client) fetchAlone(ctx context.Context, places []place, d oci.Descriptor) error {
	if size, err := c.Store.Size(d.Digest); err == nil && size == d.Size {
		c.Store.DropPart(d.Digest) // of a process that was killed between putting the blob in place and removing its part
		c.Sink.Send(kiln.Event{Step: kiln.StepPull, State: kiln.Cached, Subject: blobSubject(d), Total: d.Size, Done: d.Size})
		return nil
	}
	job := c.Sink.Start(kiln.StepPull, blobSubject(d), d.Size)
	dl := &download{want: d, job: job}
	defer dl.leave()
	var err error
	if dl.w, dl.got, err = c.Store.Resume(d.Digest); err != nil {
		return job.End(err)
	}
	if dl.got == d.Size && dl.w.Digest() == d.Digest { // it was killed before the last step
		return job.End(dl.commit())
	}
	var errs []error
	for _, p := range places {
		if dl.got >= d.Size { // of which no rest can be asked for
			if err := dl.anew(); err != nil {
				return job.End(err)
			}
		}
		err := p.host.attempts(ctx, kiln.StepPull, p.String(), func(ctx context.Context, g *patience.Guard) (int64, error) {
			before := dl.got
			err := dl.attempt(ctx, g, p)
			if err == nil {
				err = dl.commit()
			}
			return dl.got - before, err
		})
		if err == nil {
			job.Finish()
			return nil
		}
		if ctx.Err() != nil || dl.w == nil {
			return job.End(err)
		}
		errs = append(errs, p.host.problem(fmt.Sprintf("cannot fetch the blob %s from %s", d.Digest, p), err))
	}
	return job.End(worst(errs))
}

// blobSubject is what a blob is called in events.
func blobSubject(d oci.Descriptor) string {
	if title := d.Annotations[oci.AnnotationTitle]; title != "" {
		return printable(title, 60)
	}
	return "blob " + d.Digest.Short()
}

// attempt makes one request, for what is missing, and takes in what it gives.
func (dl *download) attempt(ctx context.Context, g *patience.Guard, p place) error {
	r := request{method: http.MethodGet, place: p, url: p.url("blobs", string(dl.want.Digest)), scopes: []string{p.pull()}, header: http.Header{}}
	if dl.got > 0 {
		r.header.Set("Range", fmt.Sprintf("bytes=%d-%d", dl.got, dl.want.Size-1))
	}
	resp, err := p.host.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := dl.begin(p, resp); err != nil {
		return err
	}
	buf := make([]byte, 128<<10)
	for {
		n, err := resp.Body.Read(buf)
		g.Moved(n)
		if werr := dl.write(buf[:n]); werr != nil {
			return werr
		}
		switch {
		case err == io.EOF && dl.got < dl.want.Size:
			return &trouble{text: fmt.Sprintf("the transfer ended after %d of %d bytes", dl.got, dl.want.Size), again: true}
		case err == io.EOF:
			return nil
		case err != nil:
			return cutAt(unreachable(ctx, err), dl.got)
		}
	}
}

// cutAt says of a transfer that was cut how far it came.
func cutAt(err error, got int64) error {
	var t *trouble
	if errors.As(err, &t) && t.err != nil {
		more := *t
		more.text = fmt.Sprintf("%s after %d bytes", t.text, got)
		return &more
	}
	return err
}

// begin makes ready to take in an answer: the rest of what is there, or all of it.
func (dl *download) begin(p place, resp *http.Response) error {
	size := resp.ContentLength
	switch {
	case resp.StatusCode == http.StatusPartialContent && dl.got > 0:
		var from, to int64
		if n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); n != 2 || from != dl.got {
			return &trouble{text: fmt.Sprintf("the server answered a request for the rest with the range %q", printable(resp.Header.Get("Content-Range"), 60))}
		}
		if size >= 0 {
			size += dl.got
		}
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && dl.got > 0:
		if err := dl.anew(); err != nil {
			return err
		}
		return &trouble{text: "the server cannot go on with what was cut", again: true}
	case resp.StatusCode == http.StatusOK:
		if err := dl.anew(); err != nil {
			return err
		}
	default:
		return p.host.refusal(resp)
	}
	if size >= 0 && size != dl.want.Size {
		return dl.altered(fmt.Sprintf("%d bytes", size))
	}
	return nil
}

func (dl *download) write(b []byte) error {
	if dl.got += int64(len(b)); dl.got > dl.want.Size {
		return dl.altered(fmt.Sprintf("more than %d bytes", dl.want.Size))
	}
	dl.job.Reach(dl.got)
	_, err := dl.w.Write(b)
	return err
}

// commit gives the blob its place, if it is the right one. Where it is not it is
// fetched once more, whole: pieces may not have fitted together.
func (dl *download) commit() error {
	if got := dl.w.Digest(); got != dl.want.Digest {
		t := dl.altered(string(got))
		t.again, dl.again = !dl.again, true
		if err := dl.anew(); err != nil {
			return err
		}
		return t
	}
	w := dl.w
	dl.w = nil
	_, _, err := w.Commit(dl.want.Digest)
	return err
}

// leastKept is how many bytes of a blob are worth to be kept for another day.
const leastKept = 64 << 10

// leave ends a download that failed: the next one goes on with what there is.
func (dl *download) leave() {
	switch {
	case dl.w == nil:
	case dl.got >= leastKept && dl.got < dl.want.Size:
		dl.w.Keep()
	default:
		dl.w.Discard()
	}
}

func (dl *download) altered(got string) *trouble {
	return &trouble{altered: true, text: fmt.Sprintf("the registry served another content: want %d bytes, %s, got %s", dl.want.Size, dl.want.Digest, got)}
}

// anew drops what there is.
func (dl *download) anew() error {
	dl.got = 0
	return dl.w.Reset()
}

// worst joins what went wrong at several places. What was found wrong in content
// counts more than what could not be reached; what was only missing counts least.
func worst(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var e kiln.Error
	rank := -1
	for _, err := range errs {
		r := 1
		switch {
		case kiln.CodeOf(err) == kiln.Refused:
			r = 2
		case isMissing(err):
			r = 0
		}
		if r >= rank {
			rank = r
			e = kiln.Error{Code: kiln.CodeOf(err), Hints: kiln.HintsOf(err), Err: &trouble{status: statusOf(err)}}
		}
	}
	e.Text = linesOf(errs)
	return &e
}

func linesOf(errs []error) string {
	text := errs[0].Error()
	for _, err := range errs[1:] {
		text += "\n  " + err.Error()
	}
	return text
}
