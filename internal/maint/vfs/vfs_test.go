package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

const now = kiln.Epoch(1000)

func newFS(t *testing.T, entries ...tree.Entry) *vfs.FS {
	t.Helper()
	tr, err := tree.Of(entries...)
	if err != nil {
		t.Fatal(err)
	}
	contents := tree.Bytes{}
	contents.Add(nil)
	return vfs.New(tr, contents, now)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	var p *fs.PathError
	if !errors.As(err, &p) {
		t.Errorf("error %v is no *fs.PathError", err)
	}
}

// dump is the tree that f has become, one line for each entry.
func dump(t *testing.T, f *vfs.FS) []string {
	t.Helper()
	tr, err := f.Tree()
	must(t, err)
	var lines []string
	for e := range tr.All() {
		if e.Path != "." {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %04o %d:%d @%d %s%s", e.Path, e.Type, e.Mode, e.UID, e.GID, e.ModTime, e.Link, content(t, f, e))))
		}
	}
	return lines
}

func content(t *testing.T, f *vfs.FS, e tree.Entry) string {
	t.Helper()
	if e.Type != tree.File {
		return ""
	}
	r, err := f.Contents().OpenContent(e.Content)
	must(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	must(t, err)
	return fmt.Sprintf("%q", b)
}

func wantDump(t *testing.T, f *vfs.FS, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, dump(t, f)); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	f := newFS(t)
	must(t, f.MkdirAll("/d/e", 0o755))
	must(t, f.WriteFile("/d/f", []byte("x"), 0o644))
	must(t, f.Symlink("l2", "/l1"))
	must(t, f.Symlink("l1", "/l2"))
	must(t, f.Symlink("gone", "/dangling"))
	open := func(path string, flag int) error { _, err := f.OpenFile(path, flag, 0o644); return err }
	stat := func(path string) error { _, err := f.Stat(path); return err }
	for _, row := range []struct {
		summary string
		err     error
		want    error
	}{
		{"missing", stat("/no"), fs.ErrNotExist},
		{"empty", stat(""), fs.ErrNotExist},
		{"relative", stat("d"), syscall.EINVAL},
		{"NUL", stat("/d\x00"), syscall.EINVAL},
		{"through a file", stat("/d/f/x"), syscall.ENOTDIR},
		{"slash behind a file", stat("/d/f/"), syscall.ENOTDIR},
		{"dot behind a file", stat("/d/f/."), syscall.ENOTDIR},
		{"links in a circle", stat("/l1"), syscall.ELOOP},
		{"dangling", stat("/dangling"), fs.ErrNotExist},
		{"long name", stat("/" + strings.Repeat("x", 256)), syscall.ENAMETOOLONG},
		{"long path", stat("/" + strings.Repeat("x/", 2048)), syscall.ENAMETOOLONG},
		{"mkdir on a file", f.Mkdir("/d/f", 0o755), fs.ErrExist},
		{"mkdir on a dangling link", f.Mkdir("/dangling", 0o755), fs.ErrExist},
		{"mkdir without parent", f.Mkdir("/x/y", 0o755), fs.ErrNotExist},
		{"mkdir of the root", f.Mkdir("/", 0o755), fs.ErrExist},
		{"mkdirall through a file", f.MkdirAll("/d/f/x", 0o755), syscall.ENOTDIR},
		{"open a directory to write", open("/d", os.O_WRONLY), syscall.EISDIR},
		{"create with a slash", open("/new/", os.O_CREATE|os.O_WRONLY), syscall.EISDIR},
		{"create what is there", open("/d/f", os.O_CREATE|os.O_EXCL), fs.ErrExist},
		{"create exclusively on a link", open("/dangling", os.O_CREATE|os.O_EXCL), fs.ErrExist},
		{"remove a full directory", f.Remove("/d"), syscall.ENOTEMPTY},
		{"remove the root", f.Remove("/"), syscall.EBUSY},
		{"remove dot", f.Remove("/d/e/."), syscall.EINVAL},
		{"remove all of the root", f.RemoveAll("/d/.."), syscall.EBUSY},
		{"unlink a directory", f.Unlink("/d/e"), syscall.EISDIR},
		{"symlink on a file", f.Symlink("x", "/d/f"), fs.ErrExist},
		{"symlink to nothing", f.Symlink("", "/x"), fs.ErrNotExist},
		{"hard link to a directory", f.Link("/d", "/x"), syscall.EPERM},
		{"rename into itself", f.Rename("/d", "/d/e/x"), syscall.EINVAL},
		{"rename onto a full directory", f.Rename("/d/e", "/d"), syscall.ENOTEMPTY},
		{"rename a file onto a directory", f.Rename("/d/f", "/d/e"), syscall.EISDIR},
		{"rename a directory onto a file", f.Rename("/d/e", "/d/f"), syscall.ENOTDIR},
		{"rename missing", f.Rename("/no", "/x"), fs.ErrNotExist},
		{"readlink of a file", func() error { _, err := f.Readlink("/d/f"); return err }(), syscall.EINVAL},
		{"readdir of a file", func() error { _, err := f.ReadDir("/d/f"); return err }(), syscall.ENOTDIR},
		{"chmod missing", f.Chmod("/no", 0o644), fs.ErrNotExist},
		{"put over a full directory", f.Put(tree.Entry{Path: "d", Type: tree.Symlink, Mode: 0o777, Link: "x"}), syscall.EISDIR},
	} {
		t.Run(row.summary, func(t *testing.T) { wantIs(t, row.err, row.want) })
	}
	wantDump(t, f,
		"d d 0755 0:0 @1000", "d/e d 0755 0:0 @1000", `d/f f 0644 0:0 @1000 "x"`,
		"dangling l 0777 0:0 @1000 gone", "l1 l 0777 0:0 @1000 l2", "l2 l 0777 0:0 @1000 l1")
}

func TestLinksStayInside(t *testing.T) {
	f := newFS(t)
	must(t, f.MkdirAll("/usr/bin", 0o755))
	must(t, f.Symlink("usr/bin", "/bin"))
	must(t, f.Symlink("/../../../../../usr", "/up"))
	must(t, f.Symlink("../../../bin/../bin", "/usr/back"))
	must(t, f.Symlink("/bin/new", "/through"))
	for path, want := range map[string]string{
		"/bin/x": "/usr/bin/x", "/../../bin/..": "/usr", "/up/bin": "/usr/bin", "/usr/back/x": "/usr/bin/x", "/up/back/../..": "/", "//bin//": "/usr/bin",
	} {
		if got, err := f.Resolve(path); err != nil || got != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", path, got, err, want)
		}
	}
	must(t, f.WriteFile("/through", []byte("x"), 0o600))
	if got, err := f.ReadFile("/usr/bin/new"); err != nil || string(got) != "x" {
		t.Errorf("wrote through a dangling link: %q, %v", got, err)
	}
}

func TestOpenFilesKeepWhatTheyHave(t *testing.T) {
	f := newFS(t)
	must(t, f.WriteFile("/a", []byte("old"), 0o644))
	if _, err := f.Tree(); err != nil { // seals the content
		t.Fatal(err)
	}
	r, err := f.OpenFile("/a", os.O_RDONLY, 0)
	must(t, err)
	must(t, f.Remove("/a"))
	must(t, f.WriteFile("/a", []byte("new"), 0o644))
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "old" {
		t.Errorf("read %q, %v", b, err)
	}

	w, err := f.OpenFile("/a", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	r, err = f.OpenFile("/a", os.O_RDONLY, 0)
	must(t, err)
	_, err = io.WriteString(w, "er")
	must(t, err)
	if _, err := f.Tree(); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, "!")
	must(t, err)
	if b, err = io.ReadAll(r); string(b) != "newer!" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	must(t, w.Close())
	if _, err := w.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("wrote to a closed file: %v", err)
	}
	if _, err := r.Write([]byte("x")); !errors.Is(err, syscall.EBADF) {
		t.Errorf("wrote to a file open for reading: %v", err)
	}
}

func TestModesAndOwners(t *testing.T) {
	f := newFS(t)
	must(t, f.WriteFile("/f", nil, 0o640))
	must(t, f.Chown("/f", 7, 8))
	must(t, f.Chmod("/f", 0o6755))
	must(t, f.Setxattr("/f", "security.capability", "c"))
	must(t, f.WriteFile("/f", []byte("x"), 0o600)) // keeps mode and owner, loses the capability
	wantDump(t, f, `f f 6755 7:8 @1000 "x"`)
	if x, err := f.Xattrs("/f"); err != nil || len(x) != 0 {
		t.Errorf("capabilities outlived a write: %v, %v", x, err)
	}
	must(t, f.Chown("/f", -1, 9)) // takes setuid and setgid, root's too
	wantDump(t, f, `f f 0755 7:9 @1000 "x"`)

	must(t, f.Mkdir("/d", 0o755))
	must(t, f.Chown("/d", 0, 50))
	must(t, f.Chmod("/d", 0o2775))
	must(t, f.Mkdir("/d/e", 0o755))
	must(t, f.WriteFile("/d/f", nil, 0o644))
	must(t, f.Symlink("f", "/d/l"))
	must(t, f.Lchown("/d/l", 3, 3))
	must(t, f.Chtimes("/d/f", 5))
	f.As(5, 6)
	must(t, f.WriteFile("/mine", nil, 0o644))
	wantDump(t, f,
		"d d 2775 0:50 @1000", "d/e d 2755 0:50 @1000", `d/f f 0644 0:50 @5 ""`, "d/l l 0777 3:3 @1000 f",
		`f f 0755 7:9 @1000 "x"`, `mine f 0644 5:6 @1000 ""`)
}

func TestAuthors(t *testing.T) {
	shipped := tree.Entry{Path: "shipped", Type: tree.Dir, Mode: 0o755, Origin: tree.Origin{Package: "p", Why: "w"}}
	f := newFS(t, shipped)
	f.Author(tree.Origin{Package: "q", Script: "q.postinst:3"})
	must(t, f.WriteFile("/made", nil, 0o644))
	must(t, f.Chmod("/shipped", 0o700))
	f.Author(tree.Origin{Package: "r", Script: "r.postinst:4"})
	must(t, f.Append("/made", []byte("x"), 0o644))
	tr, err := f.Tree()
	must(t, err)
	for path, want := range map[string]tree.Origin{
		"shipped": {Package: "p", Why: "w", Script: "q.postinst:3"},
		"made":    {Package: "q", Script: "r.postinst:4"},
	} {
		if e, _ := tr.Lookup(path); e.Origin != want {
			t.Errorf("%s: %+v, want %+v", path, e.Origin, want)
		}
	}
}

func TestHardLinks(t *testing.T) {
	f := newFS(t)
	must(t, f.Mkdir("/d", 0o755))
	must(t, f.WriteFile("/d/z", []byte("1"), 0o644))
	must(t, f.Link("/d/z", "/a"))
	must(t, f.WriteFile("/a", []byte("2"), 0))
	must(t, f.Rename("/a", "/d/z")) // two names of one file: nothing happens
	wantDump(t, f, `a f 0644 0:0 @1000 "2"`, "d d 0755 0:0 @1000", `d/z f 0644 0:0 @1000 a"2"`)
	must(t, f.RemoveAll("/d"))
	wantDump(t, f, `a f 0644 0:0 @1000 "2"`)

	again := newFS(t, tree.Entry{Path: "x", Type: tree.File, Mode: 0o644, Content: kiln.DigestOf(nil)},
		tree.Entry{Path: "y", Type: tree.File, Mode: 0o644, Content: kiln.DigestOf(nil), Hard: true, Link: "x"})
	must(t, again.Chmod("/y", 0o600))
	must(t, again.Remove("/x"))
	wantDump(t, again, `y f 0600 0:0 @0 ""`)
}

func TestSpecialFiles(t *testing.T) {
	f := newFS(t)
	must(t, f.WriteFile("/dev/null", []byte("gone"), 0o644)) // there is no /dev at all
	f.Synthetic("/proc/mounts", []byte("x\n"))
	if b, err := f.ReadFile("/proc/mounts"); err != nil || string(b) != "x\n" {
		t.Errorf("%q, %v", b, err)
	}
	wantIs(t, f.WriteFile("/proc/mounts", nil, 0o644), syscall.EACCES)
	if b, err := f.ReadFile("/dev/../dev/null"); err != nil || len(b) != 0 {
		t.Errorf("%q, %v", b, err)
	}
	f.Program("/usr/sbin/denied")
	if i, err := f.Stat("/usr/sbin/denied"); err != nil || i.Kind() != tree.File || i.Perm() != 0o555 {
		t.Errorf("%v, %v", i, err)
	}
	if i, err := f.Stat("/dev/null"); err != nil || i.Kind() != tree.CharDev {
		t.Errorf("%v, %v", i, err)
	}
	if f.Failure() != nil {
		t.Errorf("failure %v", f.Failure())
	}
	if _, err := f.ReadFile("/dev/urandom"); err == nil || f.Failure() == nil {
		t.Error("read randomness")
	}
	must(t, f.Mknod("/null", tree.CharDev, 0o666, 1, 3))
	must(t, f.Mkfifo("/fifo", 0o600))
	_, err := f.ReadFile("/fifo")
	wantIs(t, err, syscall.ENXIO)
	wantDump(t, f, "fifo p 0600 0:0 @1000", "null c 0666 0:0 @1000")
}

func TestLimit(t *testing.T) {
	f := newFS(t)
	f.Limit(10)
	must(t, f.WriteFile("/a", make([]byte, 8), 0o644))
	err := f.Append("/a", make([]byte, 3), 0o644)
	if kiln.CodeOf(err) != kiln.Refused || f.Failure() == nil || !strings.Contains(err.Error(), "more than 10 bytes") {
		t.Errorf("error %v, failure %v", err, f.Failure())
	}
	if err := f.Truncate("/a", 1<<40); err == nil {
		t.Error("a hole of a terabyte")
	}
}

func TestGlob(t *testing.T) {
	f := newFS(t)
	for _, p := range []string{"/a/b1", "/a/b2", "/a/.h", "/c/b1"} {
		must(t, f.MkdirAll(p, 0o755))
	}
	for pattern, want := range map[string]string{
		"/a/*": "/a/b1 /a/b2", "/*/b1": "/a/b1 /c/b1", "/a/.*": "/a/.h", "/a/b[2-9]": "/a/b2", "/no/*": "", "/a/b1": "/a/b1", "/a/b3": "",
	} {
		if got := strings.Join(f.Glob(pattern), " "); got != want {
			t.Errorf("Glob(%q) = %q, want %q", pattern, got, want)
		}
	}
}

func TestDamagedContentIsAnError(t *testing.T) {
	b := tree.Bytes{}
	d := b.Add([]byte("good"))
	b[d] = []byte("evil")
	tr, err := tree.Of(tree.Entry{Path: "f", Type: tree.File, Mode: 0o644, Size: 4, Content: d})
	must(t, err)
	f := vfs.New(tr, b, now)
	if got, err := f.ReadFile("/f"); err == nil || f.Failure() == nil {
		t.Errorf("read %q", got)
	}
}

// What names and kinds tell is not looked at.
func TestLooked(t *testing.T) {
	for _, row := range []struct {
		summary string
		act     func(f *vfs.FS) error
		want    bool
	}{
		{"nothing", func(*vfs.FS) error { return nil }, false},
		{"another file", func(f *vfs.FS) error { _, err := f.ReadFile("/d/other"); return err }, false},
		{"a pattern that it matches", func(f *vfs.FS) error { f.Glob("/d/*"); return nil }, false},
		{"its name", func(f *vfs.FS) error { _, err := f.ReadNames("/d"); return err }, false},
		{"its size", func(f *vfs.FS) error {
			names, err := f.ReadNames("/d")
			if err == nil {
				_, err = names[0].Info()
			}
			return err
		}, true},
		{"a list of its folder", func(f *vfs.FS) error { _, err := f.ReadDir("/d"); return err }, true},
		{"itself", func(f *vfs.FS) error { _, err := f.Stat("/d/file"); return err }, true},
		{"what it holds", func(f *vfs.FS) error { _, err := f.ReadFile("/d/file"); return err }, true},
	} {
		f := vfs.New(tree.New(), tree.Bytes{}, 100)
		must(t, f.Mkdir("/d", 0o755))
		must(t, f.WriteFile("/d/file", nil, 0o644))
		must(t, f.WriteFile("/d/other", nil, 0o644))
		f.Forget("d/file")
		must(t, row.act(f))
		if looked, there := f.Looked("d/file"); looked != row.want || !there {
			t.Errorf("%s: %v %v, want %v", row.summary, looked, there, row.want)
		}
	}
}

// A list of names tells kinds as a list of all does.
func TestReadNames(t *testing.T) {
	f := vfs.New(tree.New(), tree.Bytes{}, 100)
	must(t, f.Mkdir("/d", 0o755))
	must(t, f.Mkdir("/d/a", 0o755))
	must(t, f.Symlink("a", "/d/b"))
	must(t, f.WriteFile("/d/c", []byte("x"), 0o644))
	names, err := f.ReadNames("/d")
	must(t, err)
	infos, err := f.ReadDir("/d")
	must(t, err)
	if len(names) != len(infos) {
		t.Fatalf("%d names of %d entries", len(names), len(infos))
	}
	for i, n := range names {
		info, err := n.Info()
		must(t, err)
		if n.Name() != infos[i].Name() || n.Type() != infos[i].Type() || n.IsDir() != infos[i].IsDir() || info.Size() != infos[i].Size() {
			t.Errorf("%s %v, want %s %v", n.Name(), n.Type(), infos[i].Name(), infos[i].Type())
		}
	}
	if _, err := f.ReadNames("/d/c"); err == nil {
		t.Error("the names in a file")
	}
}
