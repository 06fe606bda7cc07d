package registrytest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// Stage is where a connection is cut.
type Stage string

// The stages of a request.
const (
	Before  Stage = "before the request is read"
	Body    Stage = "in the middle of the request's body"
	After   Stage = "after the request was carried out, before its answer"
	Head    Stage = "in the middle of the answer's head"
	Half    Stage = "in the middle of the answer's body"
	Last    Stage = "before the last byte of the answer"
	Refused Stage = "answered with 429"
	Broken  Stage = "answered with 503"
)

// Stages lists them.
func Stages() []Stage { return []Stage{Before, Body, After, Head, Half, Last, Refused, Broken} }

// Fault is what goes wrong.
type Fault struct {
	Request int    // of which request, counted from 0
	Stage   Stage  // where
	For     int    // for how many requests from then on; 0: one
	Wait    string // Retry-After of a 429 or 503

	mu   sync.Mutex
	seen int
	hits int
}

// Hits is how many requests were cut.
func (f *Fault) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// SetFault makes the server fail from now on; nil: no more.
func (s *Server) SetFault(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// strike reports whether the request was dealt with.
func (f *Fault) strike(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) bool {
	f.mu.Lock()
	n := f.seen
	f.seen++
	hit := n >= f.Request && n < f.Request+max(f.For, 1)
	if hit {
		f.hits++
	}
	f.mu.Unlock()
	if !hit {
		return false
	}
	if f.Stage == Refused || f.Stage == Broken {
		f.refuse(w)
		return true
	}
	f.cut(w, r, serve)
	return true
}

func (f *Fault) refuse(w http.ResponseWriter) {
	if f.Wait != "" {
		w.Header().Set("Retry-After", f.Wait)
	}
	if f.Stage == Refused {
		refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		return
	}
	refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
}

// cut carries out as much as the stage says, and ends the connection.
func (f *Fault) cut(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	rec := httptest.NewRecorder()
	switch f.Stage {
	case Before:
	case Body:
		half := make([]byte, r.ContentLength/2)
		_, _ = io.ReadFull(r.Body, half)
		if r.ContentLength > 0 {
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(half), broken{}))
			serve(rec, r)
		}
	default:
		serve(rec, r)
	}
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if f.Stage == Head || f.Stage == Half || f.Stage == Last {
		if r.Method == http.MethodHead {
			if rec.Header().Get("Content-Length") == "" {
				rec.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
			}
			rec.Body.Reset()
		}
		f.answer(c, rec)
	}
}

// broken is the end of a body that never came.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// answer writes a part of an answer.
func (f *Fault) answer(c net.Conn, rec *httptest.ResponseRecorder) {
	body := rec.Body.Bytes()
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", rec.Code, http.StatusText(rec.Code))
	h := rec.Header()
	if h.Get("Content-Length") == "" && rec.Code != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	_ = h.Write(&head)
	head.WriteString("\r\n")
	all := append(head.Bytes(), body...)
	n := len(all) - 1
	switch f.Stage {
	case Head:
		n = head.Len() / 2
	case Half:
		n = head.Len() + len(body)/2
		if len(body) == 0 {
			n = head.Len() - 2
		}
	}
	_, _ = c.Write(all[:n])
}
