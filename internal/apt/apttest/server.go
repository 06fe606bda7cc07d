package apttest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is how a server misbehaves over one path. Its parts may be combined.
type Fault struct {
	Times    int         // for so many requests; 0 is for ever
	Status   int         // answer with this status and no file
	Cut      int         // break the connection after so many bytes of the body; -1 is before the first
	Stall    int         // send nothing more after so many bytes until the client goes; -1 is before the first
	Length   int         // say this Content-Length
	Content  []byte      // serve this instead, at status 200 unless Status says otherwise
	Redirect string      // to this address
	NoRange  bool        // ignore Range
	Header   http.Header // further headers
}

// Server serves a Site over HTTP below /debian, /debian-security or any other
// first element: one site answers for all of them.
type Server struct {
	URL string // of the archive's root

	mu     sync.Mutex
	site   Site
	faults map[string]*Fault
	log    []Request
}

// Request is one that a server got.
type Request struct {
	Path  string // below the archive's root
	Range string
}

// Serve serves site until the test ends. The root's last element is "debian",
// and the same site stands at "debian-security" beside it.
func Serve(t testing.TB, site Site) *Server {
	s := &Server{site: site, faults: map[string]*Fault{}}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	s.URL = h.URL + "/debian"
	return s
}

// Update serves another site from now on.
func (s *Server) Update(site Site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site = site
}

// Fail makes the server misbehave over a path below the archive's root, or over
// every path that ends in it, if it begins with "*".
func (s *Server) Fail(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = &f
}

// Requests lists what was asked for, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.log...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(strings.TrimPrefix(path.Clean(r.URL.Path), "/"), "/")
	s.mu.Lock()
	s.log = append(s.log, Request{name, r.Header.Get("Range")})
	content, ok := s.site[name]
	f := s.fault(name)
	s.mu.Unlock()
	if f.Content != nil {
		content, ok = f.Content, true
	}
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	switch {
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	case f.Status != 0:
		w.WriteHeader(f.Status)
		w.Write(f.Content)
	case !ok:
		http.NotFound(w, r)
	case f.Cut == 0 && f.Stall == 0 && f.Length == 0 && !f.NoRange:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	default:
		f.serve(w, r, content)
	}
}

// fault returns what to do about this request, and counts it.
func (s *Server) fault(name string) Fault {
	for _, pattern := range []string{name, "*"} {
		if f := s.faults[pattern]; f != nil && s.spend(pattern, f) {
			return *f
		}
	}
	for pattern, f := range s.faults {
		if suffix, ok := strings.CutPrefix(pattern, "*"); ok && suffix != "" && strings.HasSuffix(name, suffix) && s.spend(pattern, f) {
			return *f
		}
	}
	return Fault{}
}

func (s *Server) spend(pattern string, f *Fault) bool {
	if f.Times == 1 {
		delete(s.faults, pattern)
	}
	f.Times--
	return true
}

// serve answers in a way that http.ServeContent never would.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, content []byte) {
	status, offset := http.StatusOK, 0
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &offset); n == 1 && !f.NoRange && offset < len(content) {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, len(content)-1, len(content)))
		content = content[offset:]
	}
	length := len(content)
	if f.Length != 0 {
		length = f.Length
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	end := len(content)
	if f.Cut != 0 {
		end = min(end, max(f.Cut, 0))
	}
	if f.Stall != 0 {
		end = min(end, max(f.Stall, 0))
	}
	w.Write(content[:min(end, length)])
	http.NewResponseController(w).Flush()
	if f.Stall != 0 {
		<-r.Context().Done()
	}
	if f.Cut != 0 || f.Stall != 0 {
		panic(http.ErrAbortHandler)
	}
}
