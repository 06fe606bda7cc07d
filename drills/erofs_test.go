package drills_test

import (
	"os"
	"path/filepath"
	"testing"
)

// The kernel mounts what kiln writes as EROFS, and every path that it shows is what the
// image is to hold: type, mode, owner, time, content, links, capabilities. Two builds give
// the same bytes.
func TestEROFSIsTheTree(t *testing.T) {
	real(t)
	dir := example(t, "python")
	build(t, dir, "--platform", "linux/amd64", "-o", "erofs:root.erofs", "-o", "listing:root.listing", "-o", "tar:root.tar")
	first, err := os.ReadFile(filepath.Join(dir, "root.erofs"))
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	run(t, dir, "mount", "-t", "erofs", "-o", "loop,ro", "root.erofs", to)
	t.Cleanup(func() { run(t, dir, "umount", to) })
	run(t, dir, kilnBinary(t), "verify", "folder:"+to, "--listing", "root.listing")
	build(t, dir, "--platform", "linux/amd64", "-o", "erofs:again.erofs")
	if again, err := os.ReadFile(filepath.Join(dir, "again.erofs")); err != nil || string(again) != string(first) {
		t.Errorf("built again, it is another file: %v", err)
	}
	tar, err := os.Stat(filepath.Join(dir, "root.tar"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("RESULT %d bytes, %d as a tar", len(first), tar.Size())
}
