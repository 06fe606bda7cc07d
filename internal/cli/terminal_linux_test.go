package cli_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"kiln/internal/apt/apttest"
	"kiln/internal/registry/registrytest"
)

// pty is a terminal on which a command's standard error is shown.
type pty struct {
	t      *testing.T
	master *os.File
	seen   bytes.Buffer
}

// openTerminal opens a terminal of that width: what a person has, and what a program.
func openTerminal(t *testing.T, width uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// onTerminal starts a command with standard error on a terminal of that width. end
// waits for its end; what was written is then in seen.
func onTerminal(t *testing.T, cmd *exec.Cmd, width uint16, until string, reached func()) (p *pty, end func() outcome) {
	t.Helper()
	master, slave := openTerminal(t, width)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	p = &pty{t: t, master: master}
	read := make(chan bool)
	go func() {
		defer close(read)
		p.read(until, reached)
	}()
	return p, func() outcome {
		t.Helper()
		_ = cmd.Wait() // the status tells
		<-read
		master.Close()
		return outcome{cmd.ProcessState.ExitCode(), out.String(), p.seen.String()}
	}
}

// read reads until nobody writes any more, and calls reached once, when until was
// written.
func (p *pty) read(until string, reached func()) {
	buf := make([]byte, 64<<10)
	var once sync.Once
	for {
		n, err := p.master.Read(buf)
		p.seen.Write(buf[:n])
		if until != "" && strings.Contains(p.seen.String(), until) {
			once.Do(reached)
		}
		if err != nil {
			return // EIO is the end
		}
	}
}

// screen is what stands on the terminal after all.
func (p *pty) screen(width int) string {
	v := newVT(p.t, width, 24)
	v.write(p.seen.String())
	if !v.wrap || !v.cursor {
		p.t.Errorf("the terminal is left with wrap %v, cursor %v", v.wrap, v.cursor)
	}
	return v.text()
}

// held makes the mirror keep back packages until release is called.
func (s *scene) held() (release func()) {
	gate := make(chan bool)
	var once sync.Once
	hook := func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".deb") {
			<-gate
		}
	}
	s.hook.Store(&hook)
	release = func() { once.Do(func() { close(gate) }) }
	s.t.Cleanup(release)
	return release
}

// On a terminal the downloads that are under way show, each line within its width; in
// the end the messages stand there, and nothing else.
func TestLiveDisplay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		width  uint16
		env    []string
		colour bool
		bar    string
	}{
		{80, []string{"TERM=xterm", "LANG=C.UTF-8"}, true, "─"},
		{40, []string{"TERM=xterm", "LANG=C", "NO_COLOR=1"}, false, "-"},
	} {
		s := newScene(t, apttest.New(stable()))
		s.env = append(s.env, row.env...)
		release := s.held()
		p, end := onTerminal(t, s.command("build", "web"), row.width, "libalpha", release)
		o := end()
		if o.status != 0 || !strings.Contains(o.stdout, "wrote oci:web.oci") || strings.Contains(o.stdout, "\x1b") {
			t.Fatalf("%s", o)
		}
		if !strings.Contains(o.stderr, row.bar+row.bar) || strings.Contains(o.stderr, "\x1b[36m") != row.colour && strings.Contains(o.stderr, "\x1b[1m") != row.colour {
			t.Errorf("%d columns: the display is %q", row.width, o.stderr)
		}
		if got := p.screen(int(row.width)); got != "no lock beside the recipe: making web/kiln.lock" && got != "no lock beside the recipe: making web/ki\nln.lock" {
			t.Errorf("%d columns: left on the screen: %q", row.width, got)
		}
		for _, frame := range regexp.MustCompile(`(?s)\x1b\[\?7l(.*?)\x1b\[\?7h`).FindAllStringSubmatch(o.stderr, -1) {
			for _, line := range strings.Split(frame[1], "\r\n") {
				if text := regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]|\r`).ReplaceAllString(line, ""); len([]rune(text)) >= int(row.width) {
					t.Errorf("a line of %d columns on a terminal of %d: %q", len([]rune(text)), row.width, text)
				}
			}
		}
	}
}

// Ctrl-C leaves the error, and nothing of the display.
func TestLiveDisplayInterrupted(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	s.env = append(s.env, "TERM=xterm", "LANG=C.UTF-8")
	s.held()
	cmd := s.command("build", "web")
	p, end := onTerminal(t, cmd, 60, "libalpha", func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	o := end()
	if o.status != 1 || o.stdout != "" {
		t.Errorf("%s", o)
	}
	if got := p.screen(60); got != "kiln: interrupted: nothing half-made is left" {
		t.Errorf("left on the screen: %q", got)
	}
}

// Where a live display is not welcome there are plain lines, or nothing at all.
func TestNoLiveDisplay(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("build", "web")
	for _, row := range []struct {
		env, args string
		lines     bool
	}{
		{"TERM=dumb", "", true}, {"TERM=", "", true}, {"CI=true", "", true}, {"CI=false", "-q", false}, {"X=1", "-q", false}, {"CI=true", "--json", false},
	} {
		s.remove("store")
		cmd := s.command(append([]string{"build", "web"}, strings.Fields(row.args)...)...)
		cmd.Env = append(cmd.Env, "TERM=xterm", row.env)
		_, end := onTerminal(t, cmd, 60, "", nil)
		o := end()
		if o.status != 0 || strings.Contains(o.stderr, "\x1b") || strings.Contains(o.stderr, "fetch: 3 packages") != row.lines || !row.lines && o.stderr != "" {
			t.Errorf("%s %s: %s", row.env, row.args, o)
		}
	}
	if entries, err := filepath.Glob(s.path("*.tmp*")); err != nil || entries != nil {
		t.Errorf("left %q, %v", entries, err)
	}
}

// On a terminal the passphrase is asked for: twice for a new key, once for a key file.
func TestPassphraseIsAskedFor(t *testing.T) {
	s := newUnsigned(t)
	ask := func(typed string, args ...string) outcome {
		t.Helper()
		master, slave := openTerminal(t, 80)
		defer master.Close()
		defer slave.Close()
		if _, err := master.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		cmd := s.command(args...)
		cmd.Stdin = slave
		return finish(t, cmd)
	}
	ask("one\nother\n", "key", "generate", "--output-key-prefix", "asked").says(t, 1, "the two passphrases are not the same")
	ask("secret\nsecret\n", "key", "generate", "--output-key-prefix", "asked").says(t, 0, "asked.key")
	ask("secret\n", "sign", "oci:web.oci", "--key", "asked.key").says(t, 0, "signature  by asked.key")
	ask("wrong\n", "sign", "oci:web.oci", "--key", "asked.key").says(t, 1, "the passphrase is not the right one")

	srv := registrytest.Serve(t, &registrytest.Server{Auth: &registrytest.Auth{Basic: true, User: "ann", Password: "secret"}})
	ask("ann\nsecret\n", "login", srv.Host).says(t, 0, "user name for "+srv.Host, "password of ann for "+srv.Host, "logged in to "+srv.Host+" as ann")
	ask("wrong\n", "login", srv.Host, "-u", "ann").says(t, 1, "check the user name and the password")
}
