package registry

import (
	"context"
	"fmt"
	"io"
	"kiln/internal/patience"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kiln"
)

// request is one request to a registry. It may be sent more than once: again with a
// token, and along redirects.
type request struct {
	method string
	place  place
	url    *url.URL
	header http.Header
	body   func() io.ReadCloser // nil: none
	size   int64                // of the body, in bytes
	scopes []string
}

// mostTokens bounds how often a request is sent with a new token. One is enough, but
// where several requests use up the same.
const mostTokens = 4

// mostRedirects bounds how often a request is sent on.
const mostRedirects = 10

// send sends r and returns the answer, of whatever status. Where the host wants it
// authorized, it is, once more with a new token where one has expired.
func (h *host) send(ctx context.Context, r request) (*http.Response, error) {
	used := h.auth.header(strings.Join(r.scopes, " "), h.client.now())
	if used == "" && h.auth.known() {
		var err error
		if used, err = h.authorize(ctx, nil, "", r.place, r.scopes); err != nil {
			return nil, err
		}
	}
	for n := 1; ; n++ {
		resp, err := h.follow(ctx, r, used)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		// A host that the request was sent on to has no say in where credentials go.
		c := challengeOf(resp.Header)
		if n == mostTokens || c == nil || !sameOrigin(resp.Request.URL, &h.base) {
			return resp, nil
		}
		if c.scheme == "basic" && strings.HasPrefix(used, "Basic ") { // a password that was wrong is not tried again
			return resp, nil
		}
		drop(resp)
		fresh, err := h.authorize(ctx, c, used, r.place, r.scopes)
		if err != nil {
			return nil, err
		}
		if fresh == "" {
			return nil, h.noLogin()
		}
		used = fresh
	}
}

// drop ends an answer whose body nobody reads.
func drop(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	resp.Body.Close()
}

// follow sends r along redirects. The credential goes to the registry itself alone:
// net/http would also send it to another port and to hosts below it.
func (h *host) follow(ctx context.Context, r request, authorization string) (*http.Response, error) {
	at := *r.url
	for range mostRedirects {
		req, err := r.http(ctx, &at)
		if err != nil {
			return nil, &trouble{text: "the server names an address that cannot be used", err: err}
		}
		if authorization != "" && sameOrigin(&at, &h.base) {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := h.http.Do(req)
		if err != nil {
			return nil, unreachable(ctx, err)
		}
		if !redirects(r.method, resp.StatusCode) {
			return resp, nil
		}
		drop(resp)
		to, err := at.Parse(resp.Header.Get("Location"))
		switch {
		case err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https":
			return nil, &trouble{text: "the server redirects to an address that cannot be used"}
		case at.Scheme == "https" && to.Scheme == "http":
			return nil, &trouble{text: fmt.Sprintf("the server redirects from https to http, at %s", to.Host)}
		}
		at = *to
	}
	return nil, &trouble{text: "the server redirects in a circle"}
}

func (r *request) http(ctx context.Context, at *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range r.header { // in any order
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("User-Agent", "kiln")
	if r.body != nil {
		req.Body, req.ContentLength = r.body(), r.size
		if r.size == 0 {
			req.Body = http.NoBody
		}
	}
	return req, nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// redirects tells whether a request is to be sent to another address: one that
// changes something only where its method stays (RFC 9110, section 15.4).
func redirects(method string, status int) bool {
	switch status {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		return method == http.MethodGet || method == http.MethodHead
	}
	return false
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL // that was asked
}

// maxDocument bounds manifests and lists, in bytes: what registries take.
const maxDocument = 4 << 20

// exchange sends r until it is answered with one of the statuses in want, and reads
// the answer.
func (h *host) exchange(ctx context.Context, step kiln.Step, r request, want ...int) (a *answer, err error) {
	err = h.attempts(ctx, step, r.place.String(), func(ctx context.Context, g *patience.Guard) (int64, error) {
		a, err = h.once(ctx, g, r, want...)
		return 0, err
	})
	return a, err
}

func (h *host) once(ctx context.Context, g *patience.Guard, r request, want ...int) (*answer, error) {
	resp, err := h.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if !slices.Contains(want, resp.StatusCode) {
		return nil, h.refusal(resp)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, url: r.url}
	if a.body, err = io.ReadAll(io.LimitReader(g.Watch(resp.Body), maxDocument+1)); err != nil {
		return nil, unreachable(ctx, err)
	}
	if len(a.body) > maxDocument {
		return nil, &trouble{text: fmt.Sprintf("the answer is longer than %d bytes", maxDocument)}
	}
	return a, nil
}

// location is the address that an answer names to go on with. A registry behind a
// proxy that ends TLS often names its own, without TLS: that is not followed.
func (h *host) location(a *answer) (*url.URL, error) {
	text := a.header.Get("Location")
	to, err := a.url.Parse(text)
	if text == "" || err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil, &trouble{text: "the server does not say where to go on"}
	}
	if h.base.Scheme == "https" && to.Scheme == "http" {
		if !strings.EqualFold(to.Hostname(), h.base.Hostname()) {
			return nil, &trouble{text: fmt.Sprintf("the server wants to go on without TLS, at %s", to.Host)}
		}
		to.Scheme, to.Host = h.base.Scheme, h.base.Host
	}
	return to, nil
}
