package cli_test

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kiln/internal/apt/apttest"
)

// What a mirror can do wrong while a locked package is fetched: refused with
// nothing left, or overcome.
func TestMirrorFaults(t *testing.T) {
	site := apttest.New(stable())
	altered := append([]byte{}, site[betaDeb]...)
	altered[len(altered)/2] ^= 1
	portal := []byte("<html><body>Log in to the network</body></html>")
	rows := []struct {
		summary string
		path    string
		fault   apttest.Fault
		env     []string
		status  int
		texts   []string
	}{
		{"wrong hash", betaDeb, apttest.Fault{Content: altered}, nil, 3,
			[]string{"cannot fetch", betaDeb, "the content is another: want", "mirror http://127.0.0.1", "try: the mirror may be in the middle of an update"}},
		{"wrong size", betaDeb, apttest.Fault{Content: altered[:1000]}, nil, 3, []string{betaDeb, "the content is another", "got 1000 bytes"}},
		{"another package", betaDeb, apttest.Fault{Content: site[alphaDeb]}, nil, 3, []string{betaDeb, "the content is another"}},
		{"captive portal", betaDeb, apttest.Fault{Content: portal}, nil, 3, []string{betaDeb, "a web page was served in place of the file (a captive portal?)", "try: "}},
		{"captive portal wants a login", betaDeb, apttest.Fault{Status: 511, Content: portal}, nil, 4, []string{betaDeb, "the network wants a login first", "try: "}},
		{"gone", betaDeb, apttest.Fault{Status: 404}, nil, 4, []string{betaDeb, "the server says 404 Not Found", "try: move the lock to what the archive holds now: kiln lock --update"}},
		{"forbidden", betaDeb, apttest.Fault{Status: 403}, nil, 4, []string{betaDeb, "403 Forbidden", "try: "}},
		{"overloaded for ever", betaDeb, apttest.Fault{Status: 503}, nil, 4, []string{betaDeb, "503 Service Unavailable", "try: check the network and the proxy"}},
		{"overloaded twice", betaDeb, apttest.Fault{Status: 503, Times: 2}, []string{"KILN_RETRIES=2"}, 0, nil},
		{"overloaded for longer than there is patience", betaDeb, apttest.Fault{Status: 503}, []string{"KILN_RETRIES=1"}, 4, []string{"503 Service Unavailable (2 attempts)"}},
		{"cut", betaDeb, apttest.Fault{Cut: 70_000}, nil, 4, []string{betaDeb, "cut after 70000 bytes", "try: "}},
		{"cut once", betaDeb, apttest.Fault{Cut: 70_000, Times: 1}, []string{"KILN_RETRIES=1"}, 0, nil},
		{"cut once by a server that cannot resume", betaDeb, apttest.Fault{Cut: 70_000, Times: 1, NoRange: true}, []string{"KILN_RETRIES=1"}, 0, nil},
		{"stalls", betaDeb, apttest.Fault{Stall: 70_000}, []string{"KILN_STALL_TIMEOUT=300ms"}, 4, []string{betaDeb, "the server is too slow: less than 1024 bytes in 300ms", "try: "}},
		{"never answers", betaDeb, apttest.Fault{Stall: -1}, []string{"KILN_STALL_TIMEOUT=300ms"}, 4, []string{betaDeb, "the server is too slow"}},
		{"stalls once", betaDeb, apttest.Fault{Stall: 70_000, Times: 1}, []string{"KILN_STALL_TIMEOUT=300ms", "KILN_RETRIES=1"}, 0, nil},
		{"redirects in a circle", betaDeb, apttest.Fault{Redirect: "/debian/" + betaDeb}, nil, 4, []string{betaDeb, "redirects in a circle"}},
	}
	want := clean(t, stable())
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, site)
			s.env = append(s.env, row.env...)
			s.does("lock", "web")
			s.server.Fail(row.path, row.fault)
			if row.status != 0 {
				s.refuses("build web", row.status, row.texts...)
				s.server.Fail(row.path, apttest.Fault{})
			}
			if got := s.build(); got.Index != want.Index {
				t.Errorf("index %s, want %s", got.Index, want.Index)
			}
			s.idle("kiln build")
		})
	}
}

// A transfer that was cut goes on where it ended.
func TestMirrorResume(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.env = append(s.env, "KILN_RETRIES=1")
	s.server.Fail(betaDeb, apttest.Fault{Cut: 70_000, Times: 1})
	s.build()
	var ranges []string
	for _, r := range s.server.Requests() {
		if r.Path == betaDeb {
			ranges = append(ranges, r.Range)
		}
	}
	if got := strings.Join(ranges, "|"); got != "|bytes=70000-" {
		t.Errorf("asked for the ranges %q", got)
	}
}

// The same troubles with a Release, of which no hash is known beforehand.
func TestMirrorFaultsOverRelease(t *testing.T) {
	const inRelease = "dists/stable/InRelease"
	rows := []struct {
		summary string
		path    string
		fault   apttest.Fault
		env     []string
		status  int
		texts   []string
	}{
		{"captive portal", "*", apttest.Fault{Content: []byte("<html>Log in</html>")}, nil, 4, []string{"a web page was served in place of its Release", "try: log in to the network (a captive portal?)"}},
		{"no such suite", "*", apttest.Fault{Status: 404}, nil, 4, []string{"its Release cannot be had", "404 Not Found", `try: check that the mirror holds the suite "stable"`}},
		{"overloaded", "*", apttest.Fault{Status: 503}, nil, 4, []string{"503 Service Unavailable", "try: check the network and the proxy"}},
		{"overloaded twice", inRelease, apttest.Fault{Status: 503, Times: 2}, []string{"KILN_RETRIES=2"}, 0, nil},
		{"cut", inRelease, apttest.Fault{Cut: 100}, nil, 4, []string{"cut after 100 bytes", "try: "}},
		{"stalls", inRelease, apttest.Fault{Stall: 100}, []string{"KILN_STALL_TIMEOUT=300ms"}, 4, []string{"the server is too slow"}},
	}
	want := clean(t, stable())
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			s.env = append(s.env, row.env...)
			s.server.Fail(row.path, row.fault)
			if row.status != 0 {
				s.refuses("build web", row.status, append(row.texts, `cannot use the archive "test/stable"`)...)
				s.server.Fail(row.path, apttest.Fault{})
			}
			if got := s.build(); got.Index != want.Index {
				t.Errorf("index %s, want %s", got.Index, want.Index)
			}
		})
	}
}

// A mirror that is gone refuses connections; a warm store needs none.
func TestMirrorGone(t *testing.T) {
	t.Parallel()
	s := &scene{t: t, root: t.TempDir(), server: apttest.Serve(t, apttest.New(stable()))}
	port, listen := closedPort(t)
	s.furnish("http://127.0.0.1:" + strconv.Itoa(port) + "/debian")
	s.refuses("build web", 4, `cannot use the archive "test/stable": its Release cannot be had`, "connection refused", s.url, "try: check the network and the proxy")

	l := listen()
	go func() { _ = http.Serve(l, s.handler()) }()
	want := s.build()
	l.Close()
	before := s.snapshot()
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	s.unchanged("a warm build", before)
	s.refuses("lock web --update", 4, "its Release cannot be had")
}

// closedPort holds a port on which nobody listens until listen is called.
func closedPort(t *testing.T) (port int, listen func() net.Listener) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return name.(*unix.SockaddrInet4).Port, func() net.Listener {
		t.Helper()
		if err := unix.Listen(fd, 16); err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "listener")
		defer f.Close()
		l, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
}

// How patient kiln is can be set, and what is set must make sense.
func TestPatience(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	env := s.env
	for _, bad := range []string{"KILN_RETRIES=many", "KILN_RETRIES=-1", "KILN_STALL_TIMEOUT=30", "KILN_STALL_TIMEOUT=0s"} {
		s.env = append(env, bad)
		name, value, _ := strings.Cut(bad, "=")
		s.refuses("build web", 2, "cannot use the variable "+name, strconv.Quote(value), "try: export "+name+"=")
	}
	s.env = append(env, "KILN_STALL_TIMEOUT="+time.Minute.String())
	s.build()
}
