// Package toolboxtest runs commands of the table over small trees, for tests.
package toolboxtest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Packages is a command.Packages for tests.
type Packages map[string]command.Status

// Lookup finds a package by name, or name:arch.
func (p Packages) Lookup(name string) (command.Status, bool) {
	st, ok := p[name]
	if !ok {
		bare, arch, _ := strings.Cut(name, ":")
		st, ok = p[bare]
		ok = ok && (arch == "" || arch == st.Architecture || arch == "any")
	}
	return st, ok
}

// Names lists all, sorted.
func (p Packages) Names() []string { return slices.Sorted(maps.Keys(p)) }

// System is a small tree with what a script knows of it.
type System struct {
	T       *testing.T
	FS      *vfs.FS
	Machine *command.Machine
	Stdin   string // of each call
}

// New makes a tree of files: path to content; "-> target" makes a link, and a
// path that ends in "/" a directory.
func New(t *testing.T, files map[string]string) *System {
	t.Helper()
	f := vfs.New(tree.New(), tree.Bytes{}, 86400*20000)
	for _, p := range slices.Sorted(maps.Keys(files)) {
		content := files[p]
		dir := p[:strings.LastIndexByte(p, '/')+1]
		Must(t, f.MkdirAll(strings.TrimSuffix("/"+strings.Trim(dir, "/"), ""), 0o755))
		switch target, link := strings.CutPrefix(content, "-> "); {
		case link:
			Must(t, f.Symlink(target, p))
		case !strings.HasSuffix(p, "/"):
			Must(t, f.WriteFile(p, []byte(content), 0o644))
		}
	}
	m := &command.Machine{Arch: "amd64", Epoch: 86400 * 20000, Packages: Packages{}, Package: "app", Script: "postinst"}
	return &System{T: t, FS: f, Machine: m}
}

// Must fails the test on an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Call runs a command line, split at spaces with "" quoting nothing: words that
// hold spaces are given by CallWords.
func (s *System) Call(line string) (status int, out string, err error) {
	return s.CallWords(strings.Fields(line)...)
}

// CallWords runs a command with these arguments. What it has run by Exec is told in
// its output.
func (s *System) CallWords(words ...string) (int, string, error) {
	s.T.Helper()
	return s.CallContext(context.Background(), words...)
}

// CallContext is CallWords that ends with ctx.
func (s *System) CallContext(ctx context.Context, words ...string) (int, string, error) {
	s.T.Helper()
	run, ok := toolbox.Table()[words[0]]
	if !ok {
		s.T.Fatalf("there is no command %q", words[0])
	}
	var out bytes.Buffer
	c := &command.Call{
		Name: words[0], Args: words[1:], Stdin: strings.NewReader(s.Stdin), Stdout: &out, Stderr: &out, Dir: "/",
		Env: map[string]string{}, Umask: 0o22, FS: s.FS, Machine: s.Machine,
	}
	c.Exec = func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
		text, _ := io.ReadAll(stdin)
		out.WriteString("exec " + strings.Join(args, " ") + "\n" + string(text))
		return 0, nil
	}
	status, err := run(ctx, c)
	return status, out.String(), err
}

// OK runs a command line that must succeed, and returns what it printed.
func (s *System) OK(line string) string {
	s.T.Helper()
	status, out, err := s.Call(line)
	if status != 0 || err != nil {
		s.T.Fatalf("%s: status %d, %v\n%s", line, status, err, out)
	}
	return out
}

// File returns the content of a file.
func (s *System) File(path string) string {
	s.T.Helper()
	b, err := s.FS.ReadFile(path)
	Must(s.T, err)
	return string(b)
}

// Link returns the target of a link, or "".
func (s *System) Link(path string) string {
	t, err := s.FS.Readlink(path)
	if err != nil {
		return ""
	}
	return t
}

// Is checks the content of a file.
func (s *System) Is(path, want string) {
	s.T.Helper()
	if got := s.File(path); got != want {
		s.T.Errorf("%s is\n%s\nwant\n%s", path, got, want)
	}
}

// Accounts is a tree with the account files of Debian, and more.
func Accounts(t *testing.T, more map[string]string) *System {
	files := map[string]string{
		"/etc/passwd":  "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
		"/etc/group":   "root:x:0:\nshadow:x:42:\nusers:x:100:\nnogroup:x:65534:\n",
		"/etc/shadow":  "root:*:20000:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n",
		"/etc/gshadow": "root:*::\nshadow:*::\nusers:*::\nnogroup:*::\n",
		"/etc/skel/.p": "skel", "/var/lib/": "", "/etc/subuid": "old:100000:65536\n", "/etc/login.defs": "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nUSERGROUPS_ENAB yes\nHOME_MODE 0700\n",
	}
	for p, c := range more {
		files[p] = c
	}
	return New(t, files)
}

// Last returns the last n lines of a file.
func (s *System) Last(path string, n int) string {
	s.T.Helper()
	lines := strings.SplitAfter(s.File(path), "\n")
	return strings.Join(lines[max(0, len(lines)-1-n):], "")
}

// Ends checks the last lines of a file.
func (s *System) Ends(path, want string) {
	s.T.Helper()
	if got := s.Last(path, strings.Count(want, "\n")); got != want {
		s.T.Errorf("%s ends with\n%s\nwant\n%s", path, got, want)
	}
}

// Links checks the targets of links; "" is for what must not be there.
func (s *System) Links(want map[string]string) {
	s.T.Helper()
	for p, target := range want {
		if got := s.Link(p); got != target {
			s.T.Errorf("%s leads to %q, want %q", p, got, target)
		}
	}
}

// Fails checks the status of a call.
func (s *System) Fails(line string, want int) {
	s.T.Helper()
	if status, out, err := s.Call(line); status != want || err != nil {
		s.T.Errorf("%s: status %d, %v, want %d\n%s", line, status, err, want, out)
	}
}

// Refuses checks that a call stops the build and says why.
func (s *System) Refuses(line, because string) {
	s.T.Helper()
	if _, _, err := s.Call(line); err == nil || !strings.Contains(err.Error(), because) {
		s.T.Errorf("%s: %v, want an error with %q", line, err, because)
	}
}

// Tools is a tree with accounts, for what an ordinary user's machine cannot
// show.
func Tools(t *testing.T) *System {
	t.Helper()
	return New(t, map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:100:101:App:/srv:/bin/sh\n7up:x:50:50::/:/bin/sh\n",
		"/etc/group":  "root:x:0:\nadm:x:4:app,root\napp:x:101:\n",
		"/etc/shadow": "root:*:1:0:99999:7:::\n",
		"/d/f":        "x", "/d/e/g": "y", "/d/l": "-> f", "/tmp/": "",
	})
}

// Tool calls one command directly.
func (s *System) Tool(name string, args ...string) (out string, status int, err error) {
	var b strings.Builder
	c := &command.Call{
		Name: name, Args: args, Stdin: strings.NewReader(s.Stdin), Stdout: &b, Stderr: io.Discard, Dir: "/", Umask: 0o022,
		Env: map[string]string{"PATH": "/usr/bin"}, FS: s.FS, Machine: s.Machine,
	}
	c.Exec = func(context.Context, []string, io.Reader, io.Writer, io.Writer) (int, error) { return 0, nil }
	status, err = toolbox.ShellTools()[name](context.Background(), c)
	return b.String(), status, err
}

// Owner returns user, group and mode of what is at path.
func Owner(t *testing.T, f *vfs.FS, path string) [3]int {
	t.Helper()
	i, err := f.Lstat(path)
	Must(t, err)
	return [3]int{i.UID, i.GID, int(i.Perm())}
}
