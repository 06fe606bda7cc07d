package rootfs_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func readInto(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, r) }

// flip changes one bit of every file below dir that holds exactly this content.
func flip(t *testing.T, dir, content string) {
	t.Helper()
	flipped := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(b, []byte(content)) {
			return err
		}
		flipped++
		b[0] ^= 1
		if err := os.Chmod(path, 0o644); err != nil {
			return err
		}
		return os.WriteFile(path, b, 0o444)
	})
	if err != nil {
		t.Fatal(err)
	}
	if flipped == 0 {
		t.Fatal("nothing to damage")
	}
}
