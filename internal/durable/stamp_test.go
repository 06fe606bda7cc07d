package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"kiln/internal/durable"
)

// Whatever is done to a file after its stamp has settled, the stamp tells; times
// that are put back do not hide it. Nothing is left beside the file.
func TestSettled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for name, change := range map[string]func(info os.FileInfo) error{
		"another content of the same length": func(info os.FileInfo) error {
			if err := os.WriteFile(path, []byte("two"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		},
		"another mode": func(os.FileInfo) error { return os.Chmod(path, 0o600) },
		"another file": func(info os.FileInfo) error {
			if err := os.WriteFile(path+"b", []byte("one"), 0o644); err != nil {
				return err
			}
			if err := os.Chtimes(path+"b", info.ModTime(), info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+"b", path)
		},
	} {
		if err := os.WriteFile(path, []byte("one"), 0o644); err != nil {
			t.Fatal(err)
		}
		stamps, ok := durable.Settled(path, []string{path})
		if !ok {
			t.Fatal("time stands still")
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if is, err := durable.StampOf(path); err != nil || is != stamps[path] {
			t.Errorf("%s: before it the stamp is %v, %v, was %v", name, is, err, stamps[path])
		}
		if err := change(info); err != nil {
			t.Fatal(err)
		}
		if is, err := durable.StampOf(path); err != nil || is == stamps[path] {
			t.Errorf("%s: the stamp is still %v, %v", name, is, err)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
	if _, ok := durable.Settled(path, []string{path, filepath.Join(dir, "none")}); ok {
		t.Error("a missing file has a stamp")
	}
}
