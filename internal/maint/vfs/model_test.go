package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// TestLikeTheKernel does the same operations in an FS and in a folder of the
// machine, and compares every error and what is left in the end. Links are
// relative there, as an absolute one would leave the folder; all is in /top, so
// that ".." does not.
func TestLikeTheKernel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		root, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		f := vfs.New(tree.New(), tree.Bytes{}, now)
		if err := errors.Join(f.Mkdir("/top", 0o755), os.Mkdir(root+"/top", 0o755), os.Chmod(root+"/top", 0o755)); err != nil {
			r.Fatal(err)
		}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			step(r, f, root)
		}
		if got, want := listFS(r, f, "/"), listHost(r, root, root); got != want {
			r.Fatalf("left in the FS:\n%s\non the machine:\n%s", got, want)
		}
	})
}

// path draws a path of few names, so that they meet.
func path(r *rapid.T, label string) string {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(r, label)
	return "/top/" + strings.Join(names, "/") + rapid.SampledFrom([]string{"", "", "", "", "/"}).Draw(r, label+" end")
}

func step(r *rapid.T, f *vfs.FS, root string) {
	p := path(r, "path")
	var got, want error
	op := rapid.SampledFrom([]string{"write", "append", "exclusive", "mkdir", "symlink", "link", "remove", "rename", "chmod", "truncate", "read", "removeall"}).Draw(r, "op")
	switch op {
	case "write", "append", "exclusive":
		flag := map[string]int{"write": os.O_TRUNC, "append": os.O_APPEND, "exclusive": os.O_EXCL}[op] | os.O_CREATE | os.O_WRONLY
		text := rapid.StringMatching("[xy]{0,3}").Draw(r, "text")
		got, want = writeFS(f, p, flag, text), writeHost(root+p, flag, text)
	case "mkdir":
		got, want = f.Mkdir(p, 0o755), os.Mkdir(root+p, 0o755)
		if want == nil {
			want = os.Chmod(root+p, 0o755)
		}
	case "symlink":
		target := rapid.SampledFrom([]string{"a", "b", "a/b", "../a", "./c", "."}).Draw(r, "target")
		got, want = f.Symlink(target, p), os.Symlink(target, root+p)
	case "link":
		from := path(r, "from")
		if info, err := os.Lstat(root + strings.TrimSuffix(from, "/")); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return // the tree keeps no further names of links
		}
		got, want = f.Link(from, p), os.Link(root+from, root+p)
	case "remove":
		if strings.HasSuffix(p, "/") {
			return // the machine's library tries two calls, with an error of either
		}
		got, want = f.Remove(p), os.Remove(root+p)
	case "removeall":
		if strings.HasSuffix(p, "/") {
			return
		}
		got, want = f.RemoveAll(p), os.RemoveAll(root+p)
	case "rename":
		to := path(r, "to")
		got, want = f.Rename(p, to), syscall.Rename(root+p, root+to)
	case "chmod":
		mode := rapid.SampledFrom([]uint32{0o600, 0o640, 0o755}).Draw(r, "mode")
		if info, err := os.Stat(root + p); err == nil && info.IsDir() {
			return // without x, an ordinary user could not go on
		}
		got, want = f.Chmod(p, mode), os.Chmod(root+p, fs.FileMode(mode))
	case "truncate":
		size := rapid.Int64Range(0, 5).Draw(r, "size")
		got, want = f.Truncate(p, size), os.Truncate(root+p, size)
	case "read":
		a, errA := f.ReadFile(p)
		b, errB := os.ReadFile(root + p)
		got, want = errA, errB
		if string(a) != string(b) {
			r.Fatalf("read %s: %q, want %q", p, a, b)
		}
	}
	if code(got) != code(want) {
		r.Fatalf("%s %s: %v, want %v", op, p, got, want)
	}
}

// code is the errno of an error. What os.RemoveAll and Mkdir wrap counts.
func code(err error) string {
	var n syscall.Errno
	switch {
	case err == nil:
		return ""
	case errors.As(err, &n):
	case errors.Is(err, fs.ErrNotExist):
		n = syscall.ENOENT
	case errors.Is(err, fs.ErrExist):
		n = syscall.EEXIST
	}
	return n.Error()
}

func writeFS(f *vfs.FS, p string, flag int, text string) error {
	w, err := f.OpenFile(p, flag, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write([]byte(text))
	return errors.Join(err, w.Close())
}

func writeHost(p string, flag int, text string) error {
	_, missing := os.Stat(p)
	w, err := os.OpenFile(p, flag, 0o644)
	if err != nil {
		return err
	}
	if missing != nil {
		err = w.Chmod(0o644)
	}
	_, werr := w.WriteString(text)
	return errors.Join(err, werr, w.Close())
}

func listFS(r *rapid.T, f *vfs.FS, dir string) string {
	entries, err := f.ReadDir(dir)
	if err != nil {
		r.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		switch e.Kind() {
		case tree.Dir:
			fmt.Fprintf(&b, "%s/ %o\n%s", p, e.Perm(), listFS(r, f, p))
		case tree.Symlink:
			fmt.Fprintf(&b, "%s -> %s\n", p, e.Link)
		default:
			data, err := f.ReadFile(p)
			if err != nil {
				r.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %o %d %q\n", p, e.Perm(), e.Names, data)
		}
	}
	return b.String()
}

func listHost(r *rapid.T, root, dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		full := filepath.Join(dir, e.Name())
		p := strings.TrimPrefix(full, root)
		info, err := e.Info()
		if err != nil {
			r.Fatal(err)
		}
		switch info.Mode().Type() {
		case fs.ModeDir:
			fmt.Fprintf(&b, "%s/ %o\n%s", p, info.Mode().Perm(), listHost(r, root, full))
		case fs.ModeSymlink:
			target, err := os.Readlink(full)
			if err != nil {
				r.Fatal(err)
			}
			fmt.Fprintf(&b, "%s -> %s\n", p, target)
		default:
			data, err := os.ReadFile(full)
			if err != nil {
				r.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %o %d %q\n", p, info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Nlink, data)
		}
	}
	return b.String()
}
