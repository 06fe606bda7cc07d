package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
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
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return &redirectError{fmt.Sprintf("the server redirects from https to %s", req.URL.Scheme)}
	}
	return nil
}

// openFile opens a file of a local archive: a regular one, which no link leads to
// from outside of the archive's root.
func openFile(at place, offset int64) (*body, error) {
	root, err := os.OpenRoot(at.base.Path)
	if err != nil {
		return nil, fileTrouble(err)
	}
	defer root.Close()
	// Without O_NONBLOCK a named pipe would hold kiln for ever.
	f, err := root.OpenFile(at.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileTrouble(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &trouble{text: "it is not a regular file"}
	}
	if err == nil && offset > 0 {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fileTrouble(err)
	}
	return &body{ReadCloser: f, from: offset, size: info.Size()}, nil
}

func fileTrouble(err error) error {
	var t *trouble
	if errors.As(err, &t) {
		return t
	}
	var pe *fs.PathError
	text := err.Error()
	if errors.As(err, &pe) {
		text = pe.Err.Error()
	}
	return &trouble{text: text, err: err, missing: errors.Is(err, fs.ErrNotExist)}
}

// guard ends a context when nothing moves for a while.
type guard struct {
	timer *time.Timer
	limit time.Duration
	since int64 // bytes since the timer was set
}

// minProgress is how many bytes count as progress: a server that drips one byte
// at a time is as bad as one that sends none.
const minProgress = 1024

func newGuard(cancel context.CancelCauseFunc, limit time.Duration) *guard {
	stalled := &trouble{text: fmt.Sprintf("the server is too slow: less than %d bytes in %s", minProgress, limit), again: true}
	return &guard{timer: time.AfterFunc(limit, func() { cancel(stalled) }), limit: limit}
}

func (g *guard) moved(n int) {
	if g.since += int64(n); g.since >= minProgress {
		g.since = 0
		g.timer.Reset(g.limit)
	}
}

func (g *guard) stop() { g.timer.Stop() }
