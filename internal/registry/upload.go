package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/patience"
)

// content is a blob that can be read at any place.
type content interface {
	io.ReaderAt
	io.Closer
}

// upload is a blob on its way into a repository: POST, PATCH, PUT of the distribution
// specification 1.1, "Pushing a blob in chunks". One PATCH sends all that is missing,
// unless Client.Chunk says less: so do docker and skopeo, and registries are used to it.
type upload struct {
	place   place
	want    oci.Descriptor
	from    string // a repository of the host where the blob may be; may be empty
	chunk   int64
	content content
	job     *kiln.Job

	at      *url.URL // of the session; nil: there is none
	offset  int64    // what the registry has of it
	most    int64    // how far any session came, in bytes that were sent
	unsure  bool     // how much the registry has is to be asked
	tried   bool     // an attempt was made: the blob may be there by now
	least   int64    // OCI-Chunk-Min-Length
	anew    int      // sessions that were given up
	hash    hashed
	mounted bool
}

// hashed computes the digest of what is sent, whatever is sent twice.
type hashed struct {
	mu  sync.Mutex
	sum kiln.Digester
	n   int64
}

// section is a part of the content on its way. net/http may read it for a while after
// a request has failed: so it can be ended.
type section struct {
	io.Reader
	hash  *hashed
	guard *patience.Guard
	job   *kiln.Job
	at    int64
	ended bool
}

func (s *section) Read(b []byte) (int, error) {
	s.hash.mu.Lock()
	defer s.hash.mu.Unlock()
	if s.ended {
		return 0, io.ErrClosedPipe
	}
	n, err := s.Reader.Read(b)
	if more := s.at + int64(n) - s.hash.n; more > 0 && more <= int64(n) {
		s.hash.sum.Write(b[int64(n)-more : n])
		s.hash.n += more
	}
	s.at += int64(n)
	s.guard.Moved(n)
	s.job.Reach(s.at)
	return n, err
}

func (s *section) Close() error {
	s.hash.mu.Lock()
	defer s.hash.mu.Unlock()
	s.ended = true
	return nil
}

// outcome is what became of a blob.
type outcome int

const (
	sent outcome = iota
	there
	mounted
)

// send brings a blob into the repository p, unless it is there. open opens it; it is
// not called where that is not needed.
func (c *Client) send(ctx context.Context, p place, d oci.Descriptor, from string, open func(context.Context) (content, error)) (outcome, error) {
	what := fmt.Sprintf("cannot push the blob %s to %s", d.Digest, p)
	ok, err := p.hasBlob(ctx, d)
	if err != nil {
		return sent, p.host.problem(what, err)
	}
	if ok {
		c.Sink.Send(kiln.Event{Step: kiln.StepPush, State: kiln.Cached, Subject: blobSubject(d), Total: d.Size, Done: d.Size})
		return there, nil
	}
	u := &upload{place: p, want: d, from: from, chunk: c.Chunk, hash: hashed{sum: kiln.NewDigester()}}
	if from != "" {
		if err := u.mount(ctx); err != nil {
			return sent, p.host.problem(what, err)
		}
		if u.mounted {
			c.Sink.Send(kiln.Event{Step: kiln.StepPush, State: kiln.Cached, Subject: blobSubject(d), Total: d.Size, Done: d.Size})
			return mounted, nil
		}
	}
	if u.content, err = open(ctx); err != nil {
		return sent, err
	}
	defer u.content.Close()
	u.job = c.Sink.Start(kiln.StepPush, blobSubject(d), d.Size)
	err = p.host.attempts(ctx, kiln.StepPush, fmt.Sprintf("%s, %s", p, blobSubject(d)), func(ctx context.Context, g *patience.Guard) (int64, error) {
		before := u.most
		err := u.attempt(ctx, g)
		return u.most - before, err // what had to be sent again is no progress
	})
	return sent, p.host.problem(what, u.job.End(err))
}

// hasBlob tells whether p has d.
func (p place) hasBlob(ctx context.Context, d oci.Descriptor) (bool, error) {
	r := request{method: http.MethodHead, place: p, url: p.url("blobs", string(d.Digest)), scopes: []string{p.push()}}
	a, err := p.host.exchange(ctx, kiln.StepPush, r, http.StatusOK, http.StatusNotFound)
	if err != nil || a.status == http.StatusNotFound {
		return false, err
	}
	size, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	return err != nil || size == d.Size, nil // of a blob of another size it is better to ask again
}

// mount asks for the blob out of another repository of the host, and takes the session
// that is begun where that cannot be.
func (u *upload) mount(ctx context.Context) error {
	p := u.place
	at := p.url("blobs", "uploads/")
	at.RawQuery = url.Values{"mount": {string(u.want.Digest)}, "from": {u.from}}.Encode()
	a, err := p.host.exchange(ctx, kiln.StepPush, request{
		method: http.MethodPost, place: p, url: at, scopes: []string{p.push(), place{p.host, u.from}.pull()},
		body: func() io.ReadCloser { return http.NoBody },
	}, http.StatusCreated, http.StatusAccepted)
	switch {
	case statusOf(err) != 0: // it may not be read there: then the blob is sent
		return nil
	case err != nil:
		return err
	}
	u.mounted = a.status == http.StatusCreated
	if !u.mounted {
		u.at, err = p.host.location(a)
		u.least, _ = strconv.ParseInt(a.header.Get("OCI-Chunk-Min-Length"), 10, 64)
	}
	return err
}

// attempt sends what is missing.
func (u *upload) attempt(ctx context.Context, g *patience.Guard) error {
	if u.tried {
		// The answer to what ended the last attempt may have been lost alone.
		ok, err := u.headOnce(ctx, g)
		if err != nil || ok {
			return err
		}
	}
	u.tried = true
	if u.at != nil && u.unsure {
		if err := u.ask(ctx, g); err != nil {
			return err
		}
	}
	if u.at == nil {
		if err := u.begin(ctx, g); err != nil {
			return err
		}
	}
	u.unsure = true
	for u.offset < u.want.Size {
		if err := u.patch(ctx, g); err != nil {
			return err
		}
	}
	return u.commit(ctx, g)
}

func (u *upload) request(method string, at *url.URL) request {
	return request{method: method, place: u.place, url: at, scopes: []string{u.place.push()}, header: http.Header{}}
}

func (u *upload) headOnce(ctx context.Context, g *patience.Guard) (bool, error) {
	a, err := u.place.host.once(ctx, g, u.request(http.MethodHead, u.place.url("blobs", string(u.want.Digest))), http.StatusOK, http.StatusNotFound)
	return err == nil && a.status == http.StatusOK, err
}

// begin begins a session.
func (u *upload) begin(ctx context.Context, g *patience.Guard) error {
	r := u.request(http.MethodPost, u.place.url("blobs", "uploads/"))
	r.body = func() io.ReadCloser { return http.NoBody }
	a, err := u.place.host.once(ctx, g, r, http.StatusAccepted)
	if err != nil {
		return err
	}
	u.offset = 0
	u.least, _ = strconv.ParseInt(a.header.Get("OCI-Chunk-Min-Length"), 10, 64)
	u.at, err = u.place.host.location(a)
	return err
}

// ask asks how much the registry has. Where it does not say, all begins anew.
func (u *upload) ask(ctx context.Context, g *patience.Guard) error {
	a, err := u.place.host.once(ctx, g, u.request(http.MethodGet, u.at), http.StatusNoContent, http.StatusOK)
	if err != nil && (statusOf(err) == 0 || statusOf(err) >= http.StatusInternalServerError) {
		return err
	}
	end, ok := int64(0), false
	if err == nil {
		end, ok = rangeEnd(a)
	}
	if !ok || end == 0 || end > u.want.Size {
		u.at = nil
		if u.most > 0 {
			u.place.host.client.Sink.Send(kiln.Event{Step: kiln.StepPush, State: kiln.Warning, Subject: blobSubject(u.want),
				Text: fmt.Sprintf("%s does not go on with an upload that was cut: %s is sent again from its beginning", u.place, blobSubject(u.want))})
		}
		return nil
	}
	u.offset = end
	if a.header.Get("Location") != "" {
		u.at, err = u.place.host.location(a)
	}
	return err
}

// rangeEnd reads how many bytes a session has out of "Range: 0-END". It is 0 for "0-0", of
// which nobody can tell whether it means one or none.
func rangeEnd(a *answer) (int64, bool) {
	_, text, ok := strings.Cut(strings.TrimPrefix(a.header.Get("Range"), "bytes="), "-")
	end, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || end < 0 {
		return 0, false
	}
	if end > 0 {
		end++
	}
	return end, true
}

// patch sends one chunk.
func (u *upload) patch(ctx context.Context, g *patience.Guard) error {
	n := u.want.Size - u.offset
	if u.chunk > 0 {
		n = min(n, max(u.chunk, u.least))
	}
	var last *section
	r := u.request(http.MethodPatch, u.at)
	r.size = n
	r.body = func() io.ReadCloser {
		if last != nil {
			last.Close()
		}
		last = &section{Reader: io.NewSectionReader(u.content, u.offset, n), hash: &u.hash, guard: g, job: u.job, at: u.offset}
		return last
	}
	r.header.Set("Content-Type", "application/octet-stream")
	r.header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.offset+n-1))
	a, err := u.place.host.once(ctx, g, r, http.StatusAccepted, http.StatusNoContent)
	if last != nil {
		last.Close()
		u.most = max(u.most, last.at) // nobody reads it any more
	}
	if err != nil {
		return cutAt(u.lost(err), u.most)
	}
	if u.at, err = u.place.host.location(a); err != nil {
		return err
	}
	// What the answer says counts: a registry may have taken less.
	if end, ok := rangeEnd(a); ok && end > u.offset && end < u.offset+n {
		n = end - u.offset
	}
	u.offset += n
	return nil
}

// mostSessions is how often a registry may lose an upload for no reason that it gives.
const mostSessions = 3

// lost says what becomes of an upload whose request was answered with err: where the
// registry does not know the session any more, or disagrees on how much it has, all
// is sent again.
func (u *upload) lost(err error) error {
	switch s := statusOf(err); s {
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable, http.StatusBadRequest, http.StatusConflict:
		if u.anew++; u.anew > mostSessions {
			return err
		}
		if s != http.StatusRequestedRangeNotSatisfiable || u.anew > 1 {
			u.at = nil
		}
		return &trouble{text: err.Error(), status: s, again: true}
	}
	return err
}

// commit ends the session: the blob gets its name, if what was sent is what it is.
func (u *upload) commit(ctx context.Context, g *patience.Guard) error {
	u.hash.mu.Lock()
	got, n := u.hash.sum.Digest(), u.hash.n
	u.hash.mu.Unlock()
	host := u.place.host
	if n == u.want.Size && got != u.want.Digest {
		r := u.request(http.MethodDelete, u.at)
		_, _ = host.once(ctx, g, r, http.StatusNoContent, http.StatusAccepted) // the registry forgets it by itself, later
		return &trouble{source: true, text: fmt.Sprintf("what is to be sent is damaged: it has the digest %s", got)}
	}
	at := *u.at
	if at.RawQuery != "" { // which is the registry's own: it stays as it is
		at.RawQuery += "&"
	}
	at.RawQuery += url.Values{"digest": {string(u.want.Digest)}}.Encode()
	r := u.request(http.MethodPut, &at)
	r.header.Set("Content-Type", "application/octet-stream")
	r.body = func() io.ReadCloser { return http.NoBody }
	g.Wait(commitStall * host.client.Retry.withDefaults().Stall)
	a, err := host.once(ctx, g, r, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return u.lost(err)
	}
	if said := a.header.Get("Docker-Content-Digest"); said != "" && said != string(u.want.Digest) {
		return &trouble{altered: true, text: "the registry took it for " + printable(said, 80)}
	}
	return nil
}

// commitStall is how much longer than for anything else a registry is waited for when
// it has a whole blob to look at.
const commitStall = 10
