package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"), "XDG_RUNTIME_DIR=" + s.path("run"), // where logins are kept
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

// messages is what was told on standard error besides the steps, each on a line of
// its own: "unpack: 5 packages, 0.01 s".
func (o outcome) messages() string {
	var b strings.Builder
	for line := range strings.Lines(o.stderr) {
		if name, _, ok := strings.Cut(line, ": "); !ok || !slices.Contains(kiln.Steps(), kiln.Step(name)) {
			b.WriteString(line)
		}
	}
	return b.String()
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
	return start(t, cmd)()
}

// start starts a command; end waits for its end.
func start(t *testing.T, cmd *exec.Cmd) (end func() outcome) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot run %v: %v", cmd.Args, err)
	}
	return func() outcome {
		t.Helper()
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("cannot run %v: %v", cmd.Args, err)
		}
		return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	}
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

// hookOnce calls hook on the first request alone.
func (s *scene) hookOnce(hook func(*http.Request)) {
	var once sync.Once
	f := func(r *http.Request) { once.Do(func() { hook(r) }) }
	s.hook.Store(&f)
}
