package cli_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"kiln/internal/apt/apttest"
)

// A build that is killed at the Nth request to the mirror, for every N, leaves
// nothing wrong: the next one gives the right image.
func TestKilledAtRequest(t *testing.T) {
	t.Parallel()
	want := clean(t, stable())
	for n := int64(1); ; n++ {
		s := newScene(t, apttest.New(stable()))
		cmd := s.command("build", "web", "--json")
		requests, started := int64(0), make(chan bool)
		s.serially(func(*http.Request) {
			<-started
			if requests++; requests == n {
				_ = cmd.Process.Kill()
			}
		})
		end := start(t, cmd)
		close(started)
		o := end()
		s.survives(fmt.Sprintf("request %d", n), want)
		if o.status == 0 {
			if n < 5 {
				t.Errorf("a build makes only %d requests", n-1)
			}
			return
		}
	}
}

// A build that is killed at the Nth thing that it does to the store or to the
// folder of its output: a file begun, written to, renamed. With KILN_TEST=real
// that is every N, else some.
func TestKilledAtFileEvent(t *testing.T) {
	t.Parallel()
	want := clean(t, stable())
	next := func(n int) int { return n + 1 + n/3 }
	if os.Getenv("KILN_TEST") == "real" {
		next = func(n int) int { return n + 1 }
	}
	for n := 1; ; n = next(n) {
		s := newScene(t, apttest.New(stable()))
		s.does("store", "stat") // so that its folders can be watched
		cmd := s.command("build", "web", "--json")
		o := s.watch("store/staging", "store/locks", "store/archives", ".", "web").killAt(n, cmd)
		s.survives(fmt.Sprintf("event %d", n), want)
		if o.status == 0 {
			if n < 40 {
				t.Errorf("a build makes only %d events", n)
			}
			return
		}
	}
}

// A build over an earlier one: the old output and lock stay until the new ones
// take their places whole.
func TestKilledWhileReplacing(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	old := s.build()
	changed := func() { s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090") }
	changed()
	want := s.build()
	for n := 1; ; n++ {
		s.recipe(recipeText)
		s.build()
		changed()
		cmd := s.command("build", "web", "--json")
		o := s.watch(".").killAt(n, cmd)
		s.wholeLayout("web.oci")
		if got := s.layoutDigest("web.oci"); got != old.Index && got != want.Index {
			t.Errorf("event %d: the output is %s, neither %s nor %s", n, got, old.Index, want.Index)
		}
		if o.status == 0 {
			s.noTemporaries()
			return
		}
	}
}

// A build that is killed in the middle of a piece of work, for which another build
// waits: that does the work itself.
func TestKilledWhileAnotherWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	s.forget()
	for _, path := range s.objects("blobs/sha256") {
		if name := strings.TrimPrefix(path, s.root+"/"); strings.HasPrefix(s.read(name), "!<arch>") && len(s.read(name)) > 100_000 {
			s.remove(name) // beta's .deb: the only one to fetch
		}
	}
	asked, release := make(chan bool), make(chan bool)
	var begun atomic.Bool
	hook := func(*http.Request) {
		if !begun.Swap(true) {
			close(asked)
			<-release
		}
	}
	s.hook.Store(&hook)
	first := s.command("build", "web", "--locked", "--json", "-o", "oci:first.oci")
	endFirst := start(t, first)
	<-asked // the first build has begun to fetch
	locks := s.watchFor(unix.IN_OPEN, "store/locks")
	endSecond := start(t, s.command("build", "web", "--locked", "--json"))
	if !locks.wait(1) { // the second build has tried to
		t.Fatal("nobody came to the locks")
	}
	locks.file.Close()
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if o := endFirst(); o.status != -1 {
		t.Errorf("the first build was not killed: %s", o)
	}
	o := endSecond()
	close(release)
	if o.status != 0 {
		t.Fatalf("the second build: %s", o)
	}
	if got := decode(t, o.stdout); got.Index != want.Index {
		t.Errorf("the index is %s, want %s", got.Index, want.Index)
	}
	s.wholeLayout("web.oci")
	s.survives("a request for which another waited", want)
}

// survives builds again after a kill, and demands the right image and, once the
// store is swept, no rest of the dead.
func (s *scene) survives(what string, want report) {
	s.t.Helper()
	if got := s.build(); got.Index != want.Index {
		s.t.Errorf("killed at %s: then the index is %s, want %s", what, got.Index, want.Index)
	}
	s.wholeLayout("web.oci")
	s.noTemporaries()
	s.idle("a build after one that was killed at " + what)
	s.does("store", "verify")
}

// watched counts what happens in folders.
type watched struct {
	t    *testing.T
	file *os.File
}

// watch begins to count.
func (s *scene) watch(dirs ...string) *watched {
	s.t.Helper()
	return s.watchFor(unix.IN_CREATE|unix.IN_MODIFY|unix.IN_ATTRIB|unix.IN_MOVED_FROM|unix.IN_MOVED_TO|unix.IN_DELETE, dirs...)
}

// watchFor begins to count events of some kinds.
func (s *scene) watchFor(events uint32, dirs ...string) *watched {
	s.t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range dirs {
		if _, err := unix.InotifyAddWatch(fd, s.path(d), events); err != nil {
			s.t.Fatal(err)
		}
	}
	return &watched{s.t, os.NewFile(uintptr(fd), "inotify")}
}

// wait returns true at the nth event, and false when the watch was closed before.
func (w *watched) wait(n int) bool {
	buf := make([]byte, 64<<10)
	for {
		got, err := w.file.Read(buf)
		if err != nil {
			return false
		}
		for at := 0; at < got; n-- {
			if n == 1 {
				return true
			}
			at += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[at+12:]))
		}
	}
}

// killAt runs a command and kills it at the nth event, if it comes to that.
func (w *watched) killAt(n int, cmd *exec.Cmd) outcome {
	w.t.Helper()
	end := start(w.t, cmd)
	done := make(chan bool)
	go func() {
		defer close(done)
		if w.wait(n) {
			_ = cmd.Process.Kill()
		}
	}()
	o := end()
	w.file.Close()
	<-done
	return o
}
