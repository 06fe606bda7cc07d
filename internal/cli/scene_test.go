package cli_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
)

// scene is a folder with a recipe in "web" and a store, a mirror of a signed
// archive, and kiln run there as a process of its own.
type scene struct {
	t      *testing.T
	root   string
	server *apttest.Server
	url    string
	env    []string
	user   *syscall.SysProcAttr                // whom kiln runs as; nil: as the test does
	hook   atomic.Pointer[func(*http.Request)] // called on each request before it is answered
}

// newScene lays out a scene around the given archive.
func newScene(t *testing.T, site apttest.Site) *scene {
	t.Helper()
	s := &scene{t: t, root: t.TempDir(), server: apttest.Serve(t, site)}
	front := httptest.NewServer(s.handler())
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	s.furnish(front.URL + "/debian")
	return s
}

func (s *scene) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hook := s.hook.Load(); hook != nil {
			(*hook)(r)
		}
		s.server.ServeHTTP(w, r)
	})
}

// furnish writes the recipe for an archive at url, and sets the environment.
func (s *scene) furnish(url string) {
	s.url = url
	for _, d := range []string{"home", "tmp"} {
		if err := os.MkdirAll(s.path(d), 0o777); err != nil {
			s.t.Fatal(err)
		}
	}
	s.write("web/key.asc", string(apttest.DefaultKey().Public()))
	s.recipe(recipeText)
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"),
		"KILN_STORE=" + s.path("store"), "KILN_RETRIES=0",
		clockVariable + "=" + apttest.Now.Format(time.RFC3339),
	}
}

func (s *scene) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

func (s *scene) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o777); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o666); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// recipe writes the recipe, with the archive's address in place of URL.
func (s *scene) recipe(text string) {
	s.t.Helper()
	s.write("web/kiln.yaml", strings.ReplaceAll(text, "URL", s.url))
}

// edit replaces a text that must be in a file.
func (s *scene) edit(name, old, new string) {
	s.t.Helper()
	text := s.read(name)
	if !strings.Contains(text, old) {
		s.t.Fatalf("%s does not hold %q:\n%s", name, old, text)
	}
	s.write(name, strings.Replace(text, old, new, 1))
}

// outcome is how a run of kiln ended.
type outcome struct {
	status         int
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("status %d\n[stdout]\n%s[stderr]\n%s", o.status, o.stdout, o.stderr)
}

// command is kiln in the scene, not yet started.
func (s *scene) command(args ...string) *exec.Cmd {
	cmd := exec.Command("kiln", args...)
	cmd.Dir = s.root
	cmd.Env = append([]string{}, s.env...)
	cmd.SysProcAttr = s.user
	return cmd
}

func (s *scene) kiln(args ...string) outcome { return finish(s.t, s.command(args...)) }

// finish runs a command to its end, whatever that is.
func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("cannot run %v: %v", cmd.Args, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// does runs kiln and demands that it ends well.
func (s *scene) does(args ...string) outcome {
	s.t.Helper()
	o := s.kiln(args...)
	if o.status != 0 {
		s.t.Fatalf("kiln %s: %s", strings.Join(args, " "), o)
	}
	return o
}

// report is what kiln build --json prints.
type report struct {
	Images []struct {
		Platform string `json:"platform"`
		Digest   string `json:"digest"`
		Tree     string `json:"tree"`
		Size     int64  `json:"size"`
		Layers   []struct {
			Name   string `json:"name"`
			Digest string `json:"digest"`
			DiffID string `json:"diffID"`
			Size   int64  `json:"size"`
		} `json:"layers"`
		Packages int `json:"packages"`
	} `json:"images"`
	Index     string `json:"index"`
	Lock      string `json:"lock"`
	Output    string `json:"output"`
	ElapsedMS int64  `json:"elapsed_ms"`
}

// layer is the digest of the first image's layer of that name.
func (r report) layer(t *testing.T, name string) string {
	t.Helper()
	for _, l := range r.Images[0].Layers {
		if l.Name == name {
			return l.Digest
		}
	}
	t.Fatalf("no layer %q in %+v", name, r)
	return ""
}

// build builds the scene's recipe, which must end well.
func (s *scene) build(args ...string) report {
	s.t.Helper()
	return decode(s.t, s.does(append([]string{"build", "web", "--json"}, args...)...).stdout)
}

func decode(t *testing.T, text string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Images) == 0 {
		t.Fatalf("kiln build --json printed %q: %v", text, err)
	}
	return r
}

// refuses runs kiln, which must end with the given status, say each of the texts,
// print no result, and leave everything outside of the store as it was, and
// nothing half-made in it.
func (s *scene) refuses(args string, status int, texts ...string) outcome {
	s.t.Helper()
	before := s.snapshot()
	o := s.kiln(strings.Fields(args)...)
	s.expect("kiln "+args, o, status, texts...)
	s.unchanged("kiln "+args, before)
	return o
}

func (s *scene) expect(what string, o outcome, status int, texts ...string) {
	s.t.Helper()
	if o.status != status {
		s.t.Errorf("%s: status %d, want %d", what, o.status, status)
	}
	if o.stdout != "" {
		s.t.Errorf("%s: printed on standard output: %q", what, o.stdout)
	}
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			s.t.Errorf("%s: standard error does not say %q", what, text)
		}
	}
	if s.t.Failed() {
		s.t.Fatalf("%s: %s", what, o)
	}
}

// unchanged compares the scene with what it was before.
func (s *scene) unchanged(what string, before map[string]string) {
	s.t.Helper()
	if diff := cmp.Diff(before, s.snapshot()); diff != "" {
		s.t.Errorf("%s left traces (-before +after):\n%s", what, diff)
	}
	s.idle(what)
}

// idle demands that nobody left unfinished work in the store.
func (s *scene) idle(what string) {
	s.t.Helper()
	for _, d := range []string{"staging", "locks"} {
		entries, err := os.ReadDir(s.path("store/" + d))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			s.t.Errorf("%s left %s/%s in the store", what, d, e.Name())
		}
	}
}

// snapshot maps each file of the scene outside of the store to what it is.
func (s *scene) snapshot() map[string]string {
	s.t.Helper()
	all, err := snapshot(s.root, s.path("store"))
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// snapshot maps each file below root, but for those of one folder, to what it is.
func snapshot(root, but string) (map[string]string, error) {
	all := map[string]string{}
	return all, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == but {
			return fs.SkipDir
		}
		all[strings.TrimPrefix(p, root)], err = describe(p, d)
		return err
	})
}

// describe gives a file's mode and the digest of its content, or its target.
func describe(p string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode().IsRegular():
		b, err := os.ReadFile(p)
		return info.Mode().String() + " " + string(kiln.DigestOf(b)), err
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(p)
		return info.Mode().String() + " " + to, err
	}
	return info.Mode().String(), nil
}

// noise is n characters that compress badly and are always the same.
func noise(n int) string {
	var b strings.Builder
	for d := kiln.DigestOf(nil); b.Len() < n; d = kiln.DigestOf([]byte(d)) {
		raw, _ := hex.DecodeString(d.Hex())
		b.Write(raw)
	}
	return b.String()[:n]
}

func (s *scene) remove(name string) {
	s.t.Helper()
	if err := os.RemoveAll(s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

// names lists a folder of the host.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// serially calls hook on each request, one after the other.
func (s *scene) serially(hook func(*http.Request)) {
	var mu sync.Mutex
	locked := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hook(r)
	}
	s.hook.Store(&locked)
}

// layoutDigest is the digest of an image layout's index.json, which is the
// index's where there is one platform.
func (s *scene) layoutDigest(layout string) string {
	s.t.Helper()
	return string(kiln.DigestOf([]byte(s.read(layout + "/index.json"))))
}

// hookOnce calls hook on the first request alone.
func (s *scene) hookOnce(hook func(*http.Request)) {
	var once sync.Once
	f := func(r *http.Request) { once.Do(func() { hook(r) }) }
	s.hook.Store(&f)
}

// wholeLayout checks every blob of an image layout against its name.
func (s *scene) wholeLayout(layout string) {
	s.t.Helper()
	for _, blob := range strings.Fields(names(s.t, s.path(layout+"/blobs/sha256"))) {
		if got := kiln.DigestOf([]byte(s.read(layout + "/blobs/sha256/" + blob))); got.Hex() != blob {
			s.t.Errorf("the blob %s of %s is %s", blob, layout, got)
		}
	}
}

// noTemporaries demands that nothing half-made stands outside of the store.
func (s *scene) noTemporaries() {
	s.t.Helper()
	for name := range s.snapshot() {
		if strings.Contains(name, ".tmp-") || strings.Contains(name, ".old-") {
			s.t.Errorf("left %s", name)
		}
	}
}
