package oci_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// dump lists a folder, a line for each entry: mode, links, time, content or target.
func dump(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		what := ""
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			what = "-> " + target
		case 0:
			what = fmt.Sprintf("%d bytes, %d names", info.Size(), info.Sys().(*syscall.Stat_t).Nlink)
		}
		name, err := filepath.Rel(dir, p)
		mode := info.Mode()
		if mode.Type() == fs.ModeSymlink {
			mode = fs.ModeSymlink // the rest means nothing
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %v %d %s", name, mode, info.ModTime().Unix(), what)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestFolder(t *testing.T) {
	s := newSample(t)
	dir := filepath.Join(t.TempDir(), "root")
	var notes []string
	sink := func(e kiln.Event) { notes = append(notes, e.Text) }
	umask := syscall.Umask(0o077)
	err := oci.WriteFolder(t.Context(), s.tree, s.contents, dir, oci.FolderOptions{Sink: sink})
	syscall.Umask(umask)
	if err != nil {
		t.Fatal(err)
	}
	// So that the temporary folder can be removed.
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "usr"), 0o755) })
	want := []string{
		". drwxr-xr-x 1699999995",
		"bin L--------- 1699999993 -> usr/bin",
		"etc drwxr-xr-x 1699999995",
		"etc/absolute L--------- 1699999993 -> /etc/app.conf",
		"etc/app.conf -rw-r----- 1699999991 13 bytes, 1 names",
		"etc/empty -rw------- 1699999991 0 bytes, 1 names",
		"etc/outside L--------- 1699999993 -> ../../../../etc/passwd",
		"tmp dtrwxrwxrwx 1699999995",
		"usr dr-xr-xr-x 1699999995",
		"usr/bin drwxr-xr-x 1699999995",
		"usr/bin/ping -rwxr-xr-x 1699999991 4 bytes, 1 names",
		"usr/bin/tool urwxr-xr-x 1699999991 800000 bytes, 2 names",
		"usr/bin/tool2 urwxr-xr-x 1699999991 800000 bytes, 2 names",
	}
	if diff := cmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
	if !slices.Contains(notes, "the owners of 12 entries are not kept: only root can set them") {
		t.Errorf("notes %q", notes)
	}
	noLeftovers(t, filepath.Dir(dir), "root")
}

func TestFolderOfSpecialFiles(t *testing.T) {
	root, err := tree.Of(
		tree.Entry{Path: ".", Type: tree.Dir, Mode: 0o700, ModTime: epoch},
		tree.Entry{Path: "null", Type: tree.CharDev, Mode: 0o666, ModTime: epoch, Major: 1, Minor: 3},
		tree.Entry{Path: "pipe", Type: tree.Fifo, Mode: 0o622, ModTime: epoch},
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "root")
	var notes []string
	err = oci.WriteFolder(t.Context(), root, tree.Bytes{}, dir, oci.FolderOptions{Sink: func(e kiln.Event) { notes = append(notes, e.Text) }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{". drwx------ 1700000000", "pipe prw--w--w- 1700000000"}, dump(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"the owners of 2 entries are not kept: only root can set them", "devices are not made, only root can: /null"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// A failure half way leaves nothing, not even of folders that may not be written.
func TestFolderFailsWhole(t *testing.T) {
	s := newSample(t)
	missing := tree.Bytes{}
	for d, b := range s.contents {
		if string(b) != "ping" {
			missing[d] = b
		}
	}
	dir := t.TempDir()
	err := oci.WriteFolder(t.Context(), s.tree, missing, filepath.Join(dir, "root"), oci.FolderOptions{})
	if err == nil || !strings.Contains(err.Error(), `cannot unpack "/usr/bin/ping"`) {
		t.Errorf("error %v", err)
	}
	noLeftovers(t, dir)
}

// Times before 1970, after 2038 and after 2262, where nanoseconds end, come through.
func TestFolderTimes(t *testing.T) {
	root, err := tree.Of(
		tree.Entry{Path: "old", Type: tree.Symlink, Mode: 0o777, Link: "x", ModTime: -86400},
		tree.Entry{Path: "late", Type: tree.Symlink, Mode: 0o777, Link: "x", ModTime: 1 << 32},
		tree.Entry{Path: "last", Type: tree.Dir, Mode: 0o755, ModTime: 12e9},
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "root")
	if err := oci.WriteFolder(t.Context(), root, tree.Bytes{}, dir, oci.FolderOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"old": -86400, "late": 1 << 32, "last": 12e9} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || !info.ModTime().Equal(time.Unix(want, 0)) {
			t.Errorf("%s: %v, %v, want %d", name, info.ModTime(), err, want)
		}
	}
}

// meddler does something while contents are read.
type meddler struct {
	tree.Bytes
	act func() error
}

func (m meddler) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if err := m.act(); err != nil {
		return nil, err
	}
	return m.Bytes.OpenContent(d)
}

// What appears in the empty folder during the build is not removed.
func TestFolderKeepsWhatAppears(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	contents := tree.Bytes{}
	root, err := tree.Of(tree.Entry{Path: "a", Type: tree.File, Mode: 0o644, Size: 1, Content: contents.Add([]byte("x"))})
	if err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(dir, "precious")
	m := meddler{contents, func() error { return os.WriteFile(precious, []byte("mine"), 0o644) }}
	err = oci.WriteFolder(t.Context(), root, m, dir, oci.FolderOptions{})
	if kiln.CodeOf(err) != kiln.User || !strings.Contains(err.Error(), "a folder that is not empty is there") {
		t.Errorf("error %v", err)
	}
	if got, err := os.ReadFile(precious); string(got) != "mine" {
		t.Errorf("it holds %q, %v", got, err)
	}
	noLeftovers(t, filepath.Dir(dir), "root")
}
