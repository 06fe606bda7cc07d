package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// trouble is why one file could not be had from one mirror.
type trouble struct {
	text    string
	err     error
	missing bool // the mirror has no such file
	altered bool // the mirror has another content than was asked for
	again   bool // another attempt may do
}

func (t *trouble) Error() string { return t.text }
func (t *trouble) Unwrap() error { return t.err }

func isMissing(err error) bool {
	var t *trouble
	return errors.As(err, &t) && t.missing
}

func isAltered(err error) bool {
	var t *trouble
	return errors.As(err, &t) && t.altered
}

// body is a file as a mirror began to serve it.
type body struct {
	io.ReadCloser
	from int64 // offset of its first byte in the file
	size int64 // of the whole file; -1: not said
}

// open asks for a file, from offset on where the server can do that. The context
// must live until the body is closed.
func (c *Client) open(ctx context.Context, at place, offset int64) (*body, error) {
	if at.base.Scheme == "file" {
		return openFile(at, offset)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url().String(), nil)
	if err != nil {
		return nil, &trouble{text: err.Error(), err: err}
	}
	req.Header.Set("User-Agent", "kiln")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	b, err := answer(resp, offset)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return b, nil
}

// answer reads the status of a response.
func answer(resp *http.Response, offset int64) (*body, error) {
	b := &body{ReadCloser: resp.Body, size: -1}
	switch {
	case resp.StatusCode == http.StatusOK:
		b.size = resp.ContentLength
		return b, nil
	case resp.StatusCode == http.StatusPartialContent && offset > 0:
		var from, to int64
		if n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); n != 2 || from != offset {
			return nil, &trouble{text: fmt.Sprintf("the server answered a request for the rest with the range %q", resp.Header.Get("Content-Range"))}
		}
		b.from = offset
		if resp.ContentLength >= 0 {
			b.size = offset + resp.ContentLength
		}
		return b, nil
	}
	return nil, statusTrouble(resp.StatusCode)
}

func statusTrouble(code int) *trouble {
	t := &trouble{text: fmt.Sprintf("the server says %d %s", code, http.StatusText(code))}
	switch {
	case code == http.StatusNotFound || code == http.StatusGone:
		t.missing = true
	case code == http.StatusNetworkAuthenticationRequired:
		t.text += ": the network wants a login first"
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		t.again = true
	case code == http.StatusRequestedRangeNotSatisfiable:
		t.altered = true
		t.text = "the file is shorter than it should be"
	}
	return t
}

// unreachable words an error of the network. A name that does not exist and a
// certificate that is wrong will not get better by waiting.
func unreachable(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // its text repeats the address
	}
	if cause := context.Cause(ctx); cause != nil {
		var t *trouble
		if errors.As(cause, &t) {
			return t
		}
		return cause
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return &trouble{text: fmt.Sprintf("there is no host %q", dns.Name), err: err}
	}
	var redirect *redirectError
	if errors.As(err, &redirect) || strings.Contains(err.Error(), "certificate") {
		return &trouble{text: err.Error(), err: err}
	}
	return &trouble{text: err.Error(), err: err, again: true}
}

// redirectError is why a redirect was not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// checkRedirect follows what mirror networks do, but never from https to http.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return &redirectError{"the server redirects in a circle"}
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return &redirectError{fmt.Sprintf("the server redirects to a %s: address", req.URL.Scheme)}
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return &redirectError{"the server redirects from https to http"}
	}
	return nil
}
