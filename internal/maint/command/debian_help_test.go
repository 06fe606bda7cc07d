package command_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// packages is a Packages for tests.
type packages map[string]command.Status

func (p packages) Lookup(name string) (command.Status, bool) {
	st, ok := p[name]
	if !ok {
		bare, arch, _ := strings.Cut(name, ":")
		st, ok = p[bare]
		ok = ok && (arch == "" || arch == st.Architecture || arch == "any")
	}
	return st, ok
}

func (p packages) Names() []string { return slices.Sorted(maps.Keys(p)) }

// system is a small tree with what a script knows of it.
type system struct {
	t       *testing.T
	fs      *vfs.FS
	machine *command.Machine
	stdin   string
}

// newSystem makes a tree of files: path to content; "-> target" makes a link, and a
// path that ends in "/" a directory.
func newSystem(t *testing.T, files map[string]string) *system {
	t.Helper()
	f := vfs.New(tree.New(), tree.Bytes{}, 86400*20000)
	for _, p := range slices.Sorted(maps.Keys(files)) {
		content := files[p]
		dir := p[:strings.LastIndexByte(p, '/')+1]
		must(t, f.MkdirAll(strings.TrimSuffix("/"+strings.Trim(dir, "/"), ""), 0o755))
		switch target, link := strings.CutPrefix(content, "-> "); {
		case link:
			must(t, f.Symlink(target, p))
		case !strings.HasSuffix(p, "/"):
			must(t, f.WriteFile(p, []byte(content), 0o644))
		}
	}
	m := &command.Machine{Arch: "amd64", Epoch: 86400 * 20000, Packages: packages{}, Package: "app", Script: "postinst"}
	return &system{t: t, fs: f, machine: m}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call runs a command line, split at spaces with "" quoting nothing: words that
// hold spaces are given by callWords.
func (s *system) call(line string) (status int, out string, err error) {
	return s.callWords(strings.Fields(line)...)
}

func (s *system) callWords(words ...string) (int, string, error) {
	s.t.Helper()
	run, ok := command.DebianTools()[words[0]]
	if !ok {
		s.t.Fatalf("there is no command %q", words[0])
	}
	var out bytes.Buffer
	c := &command.Call{
		Name: words[0], Args: words[1:], Stdin: strings.NewReader(s.stdin), Stdout: &out, Stderr: &out, Dir: "/",
		Env: map[string]string{}, Umask: 0o22, FS: s.fs, Machine: s.machine,
	}
	c.Exec = func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
		text, _ := io.ReadAll(stdin)
		out.WriteString("exec " + strings.Join(args, " ") + "\n" + string(text))
		return 0, nil
	}
	status, err := run(context.Background(), c)
	return status, out.String(), err
}

// ok runs a command line that must succeed, and returns what it printed.
func (s *system) ok(line string) string {
	s.t.Helper()
	status, out, err := s.call(line)
	if status != 0 || err != nil {
		s.t.Fatalf("%s: status %d, %v\n%s", line, status, err, out)
	}
	return out
}

func (s *system) file(path string) string {
	s.t.Helper()
	b, err := s.fs.ReadFile(path)
	must(s.t, err)
	return string(b)
}

func (s *system) link(path string) string {
	t, err := s.fs.Readlink(path)
	if err != nil {
		return ""
	}
	return t
}

func (s *system) is(path, want string) {
	s.t.Helper()
	if got := s.file(path); got != want {
		s.t.Errorf("%s is\n%s\nwant\n%s", path, got, want)
	}
}
