package machine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// real skips unless real tools are asked for.
func real(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs qemu: set KILN_TEST=real")
	}
}

// The program that tells whether machines run does run, on both architectures; where there is none, that shows.
func TestTrial(t *testing.T) {
	real(t)
	for arch, program := range map[string]string{"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"} {
		if err := trial(context.Background(), program, arch, "tcg", t.TempDir()); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
		if err := trial(context.Background(), program, arch, "nothing", t.TempDir()); err == nil {
			t.Errorf("%s: it runs with an accelerator that there is not", arch)
		}
	}
}

// qemu's own tool finds nothing wrong with an overlay, and below it the image.
func TestOverlayIsOne(t *testing.T) {
	real(t)
	dir := t.TempDir()
	below := Image{Path: filepath.Join(dir, `a,b "c".raw`), Format: "raw", Size: 4 << 20}
	if err := os.WriteFile(below.Path, rawDisk(t, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{4 << 20, 3<<30 + 512, 1 << 40} {
		over := filepath.Join(dir, "over.qcow2")
		f, err := os.Create(over)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeOverlay(f, below, size); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("qemu-img", "check", over).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "No errors were found") {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
		}
		if out, err := exec.Command("qemu-io", "-r", "-c", "read -v 512 8", over).CombinedOutput(); err != nil || !strings.Contains(string(out), "EFI.PART") {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
		}
	}
}
