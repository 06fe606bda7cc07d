package cpio_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kiln"
	"kiln/internal/disk/cpio"
	"kiln/internal/tree"
)

const epoch kiln.Epoch = 1700000000

func sample(t *testing.T) (*tree.Tree, tree.Bytes) {
	t.Helper()
	c := tree.Bytes{}
	file := func(path, text string, mode uint32) tree.Entry {
		return tree.Entry{Path: path, Type: tree.File, Mode: mode, ModTime: epoch, Size: int64(len(text)), Content: c.Add([]byte(text))}
	}
	dir := func(path string) tree.Entry {
		return tree.Entry{Path: path, Type: tree.Dir, Mode: 0o755, ModTime: epoch}
	}
	hard := file("usr/bin/other", "#!/bin/sh\n", 0o755)
	hard.Hard, hard.Link = true, "usr/bin/init"
	all, err := tree.Of(
		dir("."), dir("dev"), dir("usr"), dir("usr/bin"), file("usr/bin/init", "#!/bin/sh\n", 0o755), hard,
		file("usr/empty", "", 0o600), file("usr/three", "abc", 0o4755),
		tree.Entry{Path: "init", Type: tree.Symlink, Mode: 0o777, ModTime: epoch, Link: "usr/bin/init"},
		tree.Entry{Path: "dev/console", Type: tree.CharDev, Mode: 0o600, ModTime: epoch, Major: 5, Minor: 1},
		tree.Entry{Path: "dev/fifo", Type: tree.Fifo, Mode: 0o600, ModTime: epoch, UID: 3, GID: 4},
	)
	if err != nil {
		t.Fatal(err)
	}
	return all, c
}

func write(t *testing.T) []byte {
	t.Helper()
	all, c := sample(t)
	var b bytes.Buffer
	if err := cpio.Write(t.Context(), &b, all, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The bytes are a promise.
func TestGolden(t *testing.T) {
	const want = "sha256:3f2caf94d61ea96ac2cd5cc883a5e3164f2378c9ed31950424f8d2662bb468f8"
	if got := kiln.DigestOf(write(t)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	for want, e := range map[string]tree.Entry{
		"extended attributes": {Path: "f", Type: tree.File, Mode: 0o644, Content: kiln.DigestOf(nil), Xattrs: map[string]string{"user.a": "b"}},
		"more than a cpio":    {Path: "f", Type: tree.File, Mode: 0o644, Size: 1 << 32, Content: kiln.DigestOf([]byte("abc"))},
		"its time":            {Path: "f", Type: tree.File, Mode: 0o644, ModTime: 1 << 32, Content: kiln.DigestOf(nil)},
		"not 5":               {Path: "f", Type: tree.File, Mode: 0o644, Size: 5, Content: kiln.DigestOf([]byte("abc"))},
	} {
		all, err := tree.Of(e)
		if err != nil {
			t.Fatal(err)
		}
		c := tree.Bytes{}
		c.Add([]byte("abc"))
		if err := cpio.Write(t.Context(), &bytes.Buffer{}, all, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	all, c := sample(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cpio.Write(ctx, &bytes.Buffer{}, all, c); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

// GNU cpio unpacks what was written.
func TestJudge(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks cpio, as root: KILN_TEST=real")
	}
	dir := t.TempDir()
	cmd := exec.Command("cpio", "-idm", "--quiet", "--no-absolute-filenames")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(write(t))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("cpio: %v\n%s", err, out)
	}
	all, _ := sample(t)
	for e := range all.All() {
		info, err := os.Lstat(filepath.Join(dir, e.Path))
		if err != nil {
			t.Error(err)
			continue
		}
		stat := info.Sys().(*syscall.Stat_t)
		if got := stat.Mode & 0o7777; e.Type != tree.Symlink && got != e.Mode {
			t.Errorf("%s: mode %o, want %o", e.Path, got, e.Mode)
		}
		if int(stat.Uid) != e.UID || int(stat.Gid) != e.GID || e.Type != tree.Dir && int(stat.Nlink) != len(all.Names(e.Path)) {
			t.Errorf("%s: owner %d:%d, %d names", e.Path, stat.Uid, stat.Gid, stat.Nlink)
		}
		if e.Type == tree.File && info.Size() != e.Size || e.Type != tree.Dir && e.Type != tree.Symlink && stat.Mtim.Sec != int64(e.ModTime) {
			t.Errorf("%s: %d bytes at %d", e.Path, info.Size(), stat.Mtim.Sec)
		}
		if e.Type == tree.CharDev && stat.Rdev != 5<<8|1 {
			t.Errorf("%s: device %x", e.Path, stat.Rdev)
		}
	}
}
