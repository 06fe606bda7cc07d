// Package registrytest is a registry of the OCI distribution specification 1.1 over
// real HTTP, in memory, for tests. It is stricter than most: a manifest is taken only
// when all that it names is there, and a chunk only where the last one ended. And it
// can be made to fail, see Fault.
package registrytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a registry. Its exported fields are set before its first request, but for
// those that methods set.
type Server struct {
	URL  string // http://127.0.0.1:PORT
	Host string // 127.0.0.1:PORT

	NoReferrers bool                // speaks version 1.0: no list of referrers, and no OCI-Subject
	NoResume    bool                // forgets an upload that was cut
	MinChunk    int64               // OCI-Chunk-Min-Length
	Auth        *Auth               // nil: anybody may do anything
	Redirect    string              // address that blobs are served from; empty: from here
	Rewrite     func([]byte) []byte // what becomes of each blob that is served; nil: nothing

	OnRange func(string) // is told of each header Range; nil: nobody is
	ListAll bool         // lists every manifest as a referrer

	SlowAfter int // bytes that a slow blob begins with, default 10; shorter ones are not slow

	slow    int
	drips   int
	mu      sync.Mutex
	repos   map[string]*repo
	uploads map[string]*upload
	serial  int
	log     []string
	fault   *Fault
	server  *httptest.Server
}

type repo struct {
	blobs     map[string][]byte
	manifests map[string]manifest
	tags      map[string]string
}

type manifest struct {
	mediaType string
	body      []byte
}

type upload struct {
	repo string
	data []byte
}

// Serve starts a registry that ends with the test.
func Serve(t testing.TB, s *Server) *Server {
	t.Helper()
	s.repos, s.uploads = map[string]*repo{}, map[string]*upload{}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	s.Host = strings.TrimPrefix(s.URL, "http://")
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// Requests are the requests so far, "METHOD path?query", in order.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Forget drops the list of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// Reset drops all that was pushed.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos, s.uploads, s.log = map[string]*repo{}, map[string]*upload{}, nil
}

// Tag is the digest that a tag names; empty where there is none.
func (s *Server) Tag(name, tag string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repos[name]; r != nil {
		return r.tags[tag]
	}
	return ""
}

// Manifest is a manifest of a repository; nil where there is none.
func (s *Server) Manifest(name, digest string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repos[name]; r != nil {
		return r.manifests[digest].body
	}
	return nil
}

// SetBlob puts bytes under a digest that they may not have.
func (s *Server) SetBlob(name, digest string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(name).blobs[digest] = data
}

// SetManifest puts a text under a digest that it may not have.
func (s *Server) SetManifest(name, digest string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.repo(name)
	p.manifests[digest] = manifest{p.manifests[digest].mediaType, text}
}

// SetSlow makes the server send nothing but the beginning of the next n blobs, until
// the client gives up.
func (s *Server) SetSlow(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = n
}

func (s *Server) slowed(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slow == 0 || r.Method != http.MethodGet {
		return false
	}
	s.slow--
	return true
}

// Dripping tells whether a blob is being sent slowly.
func (s *Server) Dripping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drips > 0
}

func (s *Server) drip(w http.ResponseWriter, r *http.Request, data []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data[:min(len(data)-1, max(s.SlowAfter, 10))])
	_ = http.NewResponseController(w).Flush()
	s.mu.Lock()
	s.drips++
	s.mu.Unlock()
	<-r.Context().Done()
	s.mu.Lock()
	s.drips--
	s.mu.Unlock()
}

// SetTag makes a tag name a digest.
func (s *Server) SetTag(name, tag, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(name).tags[tag] = digest
}

// Remove takes away a manifest.
func (s *Server) Remove(name, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repo(name).manifests, digest)
}

// Whole tells what is missing of a tag's image, all referrers included that the
// repository has manifests of: each must be listed beside its subject.
func (s *Server) Whole(name, tag string, referrers int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.repo(name)
	if _, ok := p.manifests[p.tags[tag]]; !ok { // and so all that it names is there
		return fmt.Errorf("there is no tag %q", tag)
	}
	for d, m := range p.manifests {
		var n named
		if err := json.Unmarshal(m.body, &n); err != nil || n.Subject == nil {
			continue
		}
		referrers--
		list := p.manifests[p.tags[strings.Replace(n.Subject.Digest, ":", "-", 1)]].body
		if s.NoReferrers && !bytes.Contains(list, []byte(d)) {
			return fmt.Errorf("the list of %s does not name %s", n.Subject.Digest, d)
		}
	}
	if referrers != 0 {
		return fmt.Errorf("%d referrers are missing", referrers)
	}
	return nil
}

// Blobs lists the digests of the blobs of a repository, sorted.
func (s *Server) Blobs(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for d := range s.repo(name).blobs {
		all = append(all, d)
	}
	slices.Sort(all)
	return all
}

// Begun is the number of uploads under way.
func (s *Server) Begun() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// repo returns a repository, which is made where it is not there. The caller holds mu.
func (s *Server) repo(name string) *repo {
	r := s.repos[name]
	if r == nil {
		r = &repo{map[string][]byte{}, map[string]manifest{}, map[string]string{}}
		s.repos[name] = r
	}
	return r
}

// route is the paths of the specification, "Endpoints".
var route = regexp.MustCompile(`^/v2/(.+)/(blobs/uploads|blobs|manifests|referrers)/([^/]*)$`)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Auth != nil && r.URL.Path == tokenPath {
		s.Auth.serveToken(w, r)
		return
	}
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.RequestURI())
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault.strike(w, r, s.serve) {
		return
	}
	s.serve(w, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.Auth != nil && !s.Auth.admit(w, r, s.URL) {
		return
	}
	if r.URL.Path == "/v2/" {
		return
	}
	m := route.FindStringSubmatch(r.URL.Path)
	if m == nil {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN")
		return
	}
	switch name, id := m[1], m[3]; m[2] {
	case "blobs/uploads":
		s.upload(w, r, name, id)
	case "blobs":
		s.blob(w, r, name, id)
	case "manifests":
		s.manifest(w, r, name, id)
	case "referrers":
		s.referrers(w, r, name, id)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, strings.ToLower(strings.ReplaceAll(code, "_", " ")))
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func (s *Server) blob(w http.ResponseWriter, r *http.Request, name, digest string) {
	s.mu.Lock()
	data, ok := s.repo(name).blobs[digest]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
		return
	}
	if s.Redirect != "" && r.Method == http.MethodGet {
		http.Redirect(w, r, s.Redirect+r.URL.Path+"?signature=hidden", http.StatusTemporaryRedirect)
		return
	}
	if s.Rewrite != nil && r.Method == http.MethodGet {
		data = s.Rewrite(data)
	}
	if len(data) > s.SlowAfter && s.slowed(r) {
		s.drip(w, r, data)
		return
	}
	if r.Header.Get("Range") != "" && s.OnRange != nil {
		s.OnRange(r.Header.Get("Range"))
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request, name, id string) {
	if r.Method == http.MethodPost {
		s.begin(w, r, name)
		return
	}
	s.mu.Lock()
	u := s.uploads[id]
	s.mu.Unlock()
	if u == nil || u.repo != name {
		refuse(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")
		return
	}
	switch r.Method {
	case http.MethodGet:
		s.state(w, r, u, http.StatusNoContent)
	case http.MethodPatch:
		s.patch(w, r, u, id)
	case http.MethodPut:
		s.put(w, r, u, id)
	case http.MethodDelete:
		s.mu.Lock()
		delete(s.uploads, id)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, from := r.FormValue("mount"), r.FormValue("from"); d != "" {
		if data, ok := s.repo(from).blobs[d]; ok {
			s.repo(name).blobs[d] = data
			w.Header().Set("Location", "/v2/"+name+"/blobs/"+d)
			w.WriteHeader(http.StatusCreated)
			return
		}
	}
	s.serial++
	id := strconv.Itoa(s.serial)
	s.uploads[id] = &upload{repo: name}
	if s.MinChunk > 0 {
		w.Header().Set("OCI-Chunk-Min-Length", strconv.FormatInt(s.MinChunk, 10))
	}
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id+"?_state=secret")
	w.WriteHeader(http.StatusAccepted)
}

func (s *Server) state(w http.ResponseWriter, r *http.Request, u *upload, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(len(u.data)-1, 0)))
	w.Header().Set("Location", r.URL.RequestURI())
	w.WriteHeader(status)
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request, u *upload, id string) {
	var from, to int64
	_, err := fmt.Sscanf(r.Header.Get("Content-Range"), "%d-%d", &from, &to)
	s.mu.Lock()
	has := int64(len(u.data))
	s.mu.Unlock()
	if err != nil || from != has || to-from+1 != r.ContentLength {
		refuse(w, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID")
		return
	}
	data, err := io.ReadAll(r.Body)
	s.mu.Lock()
	u.data = append(u.data, data...)
	if err != nil && s.NoResume {
		delete(s.uploads, id)
	}
	s.mu.Unlock()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN")
		return
	}
	s.state(w, r, u, http.StatusAccepted)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, u *upload, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := r.FormValue("digest")
	delete(s.uploads, id)
	if r.FormValue("_state") != "secret" || digestOf(u.data) != d {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
		return
	}
	s.repo(u.repo).blobs[d] = u.data
	w.Header().Set("Location", "/v2/"+u.repo+"/blobs/"+d)
	w.Header().Set("Docker-Content-Digest", d)
	w.WriteHeader(http.StatusCreated)
}

// named is what a manifest or index names.
type named struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *desc             `json:"config"`
	Layers       []desc            `json:"layers"`
	Manifests    []desc            `json:"manifests"`
	Subject      *desc             `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

type desc struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

func (s *Server) manifest(w http.ResponseWriter, r *http.Request, name, want string) {
	if r.Method == http.MethodPut {
		s.putManifest(w, r, name, want)
		return
	}
	s.mu.Lock()
	p := s.repo(name)
	if d, ok := p.tags[want]; ok {
		want = d
	}
	m, ok := p.manifests[want]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", m.mediaType)
	w.Header().Set("Docker-Content-Digest", want)
	w.Header().Set("Content-Length", strconv.Itoa(len(m.body)))
	_, _ = w.Write(m.body)
}

func (s *Server) putManifest(w http.ResponseWriter, r *http.Request, name, want string) {
	body, err := io.ReadAll(r.Body)
	var m named
	if err != nil || json.Unmarshal(body, &m) != nil || m.MediaType != r.Header.Get("Content-Type") {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, d := s.repo(name), digestOf(body)
	if strings.HasPrefix(want, "sha256:") && want != d {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
		return
	}
	blobs := m.Layers
	if m.Config != nil {
		blobs = append(blobs, *m.Config)
	}
	for _, b := range blobs {
		if int64(len(p.blobs[b.Digest])) != b.Size {
			refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN")
			return
		}
	}
	for _, c := range m.Manifests {
		if _, ok := p.manifests[c.Digest]; !ok {
			refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN")
			return
		}
	}
	p.manifests[d] = manifest{m.MediaType, body}
	if want != d {
		p.tags[want] = d
	}
	if m.Subject != nil && !s.NoReferrers {
		w.Header().Set("OCI-Subject", m.Subject.Digest)
	}
	w.Header().Set("Docker-Content-Digest", d)
	w.Header().Set("Location", "/v2/"+name+"/manifests/"+d)
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) referrers(w http.ResponseWriter, r *http.Request, name, subject string) {
	if s.NoReferrers {
		refuse(w, http.StatusNotFound, "UNSUPPORTED")
		return
	}
	list := []desc{}
	s.mu.Lock()
	for d, m := range s.repo(name).manifests {
		var n named
		if json.Unmarshal(m.body, &n) == nil && (s.ListAll || n.Subject != nil && n.Subject.Digest == subject) {
			list = append(list, desc{n.MediaType, n.ArtifactType, d, int64(len(m.body)), n.Annotations})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b desc) int { return strings.Compare(b.Digest, a.Digest) })
	// One on a page.
	at, _ := strconv.Atoi(r.FormValue("page"))
	page := list[min(at, len(list)):min(at+1, len(list))]
	if at+1 < len(list) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, r.URL.Path, at+1))
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": page})
}
