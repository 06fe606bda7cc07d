package vhd_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/disk/sparse"
	"kiln/internal/disk/sparse/sparsetest"
	"kiln/internal/disk/vhd"
)

var options = vhd.Options{ID: [16]byte{1, 2, 3, 15: 16}, Epoch: 1700000000}

func write(t *testing.T, m *sparse.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vhd")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := vhd.Write(t.Context(), f, m, options); err != nil {
		t.Fatal(err)
	}
	return path
}

// It is the disk, and a footer that says so.
func TestFooter(t *testing.T) {
	const size = 6 << 20
	m := sparsetest.Disk(size)
	b, err := os.ReadFile(write(t, m))
	if err != nil {
		t.Fatal(err)
	}
	disk, err := io.ReadAll(io.NewSectionReader(m, 0, size))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != size+512 || string(b[:size]) != string(disk) {
		t.Fatalf("%d bytes are not the disk", len(b))
	}
	footer := b[size:]
	be := binary.BigEndian
	sum := uint32(0)
	for i, c := range footer {
		if i < 64 || i >= 68 {
			sum += uint32(c)
		}
	}
	if got := be.Uint32(footer[64:]); got != ^sum {
		t.Errorf("checksum %08x, want %08x", got, ^sum)
	}
	if string(footer[:8]) != "conectix" || be.Uint64(footer[48:]) != size || be.Uint32(footer[60:]) != 2 || be.Uint32(footer[24:]) != 1700000000-946684800 {
		t.Errorf("footer %x", footer[:100])
	}
	if got, want := kiln.DigestOf(footer), kiln.Digest("sha256:1f7daef6cdf46b24b7cb303bc8a829974fb7f07638c3034d1d77b5bb4c5b20a8"); got != want {
		t.Errorf("footer's digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	for _, size := range []int64{0, 4<<20 + 512, 2041 << 30} {
		m, err := sparse.New(size)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "vhd"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := vhd.Write(t.Context(), f, m, options); err == nil {
			t.Errorf("%d bytes are a disk", size)
		}
	}
}

// QEMU takes it for the same disk, of exactly that size.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks qemu-img: KILN_TEST=real")
	}
	for _, size := range []int64{4 << 20, 1763 << 20, 40 << 30} {
		m := sparsetest.Disk(size)
		path := write(t, m)
		raw, err := os.Create(path + ".raw")
		if err != nil {
			t.Fatal(err)
		}
		if err := sparse.WriteRaw(t.Context(), raw, m); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("qemu-img", "compare", "-f", "raw", "-F", "vpc", path+".raw", path).CombinedOutput(); err != nil {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
		}
		if out, err := exec.Command("qemu-img", "info", "-f", "vpc", "--output=json", path).Output(); err != nil || !strings.Contains(string(out), fmt.Sprintf(`"virtual-size": %d,`, size)) {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
		}
	}
}
