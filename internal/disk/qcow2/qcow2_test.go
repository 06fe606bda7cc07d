package qcow2_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"kiln"
	"kiln/internal/disk/qcow2"
	"kiln/internal/disk/sparse"
	"kiln/internal/disk/sparse/sparsetest"
)

type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := off + int64(len(p)); need > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, need-int64(len(m.b)))...)
	}
	return copy(m.b[off:], p), nil
}

func write(t *testing.T, m *sparse.Image) []byte {
	t.Helper()
	var out memory
	if err := qcow2.Write(t.Context(), &out, m); err != nil {
		t.Fatal(err)
	}
	return out.b
}

// read follows the specification: it knows of the writer only that clusters have 64 KiB.
func read(t *testing.T, b []byte) []byte {
	t.Helper()
	const cluster = 1 << 16
	be := binary.BigEndian
	disk := make([]byte, be.Uint64(b[24:]))
	l1 := b[be.Uint64(b[40:]):]
	for n := 0; n*cluster < len(disk); n++ {
		table := be.Uint64(l1[n/8192*8:]) & 0x00fffffffffffe00
		if table == 0 {
			continue
		}
		entry := be.Uint64(b[table+uint64(n%8192*8):])
		to := disk[n*cluster : min(len(disk), (n+1)*cluster)]
		switch {
		case entry == 0:
		case entry>>62&1 == 1:
			at := entry & (1<<54 - 1)
			sectors := entry>>54&0xff + 1
			end := min(at/512*512+sectors*512, uint64(len(b)))
			if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(b[at:end])), to); err != nil {
				t.Fatalf("cluster %d: %v", n, err)
			}
		default:
			copy(to, b[entry&0x00fffffffffffe00:])
		}
	}
	return disk
}

// What was written is read again; of how many processors nothing is seen.
func TestReadBack(t *testing.T) {
	for _, size := range []int64{4 << 20, 5<<20 + 512, 600 << 20} {
		m := sparsetest.Disk(size)
		b := write(t, m)
		want, err := io.ReadAll(io.NewSectionReader(m, 0, size))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, b), want) {
			t.Errorf("%d bytes: read again, it is another disk", size)
		}
		before := runtime.GOMAXPROCS(1)
		again := write(t, m)
		runtime.GOMAXPROCS(before)
		if !bytes.Equal(again, b) {
			t.Errorf("%d bytes: with one processor it is another file", size)
		}
	}
}

// The bytes are a promise.
func TestGolden(t *testing.T) {
	const want = "sha256:9a2006f2ba2cb8f49561b50253a994b36a8bbc9fdadc2884e3c9368d76880f28"
	if got := kiln.DigestOf(write(t, sparsetest.Disk(8<<20))); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	for _, size := range []int64{0, 4<<20 + 1} {
		m, err := sparse.New(size)
		if err != nil {
			t.Fatal(err)
		}
		if err := qcow2.Write(t.Context(), &memory{}, m); err == nil {
			t.Errorf("%d bytes are a disk", size)
		}
	}
}

// QEMU finds no error, and the same disk.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks qemu-img: KILN_TEST=real")
	}
	for _, size := range []int64{4 << 20, 5<<20 + 512, 3 << 30} {
		m, dir := sparsetest.Disk(size), t.TempDir()
		raw, err := os.Create(filepath.Join(dir, "raw"))
		if err != nil {
			t.Fatal(err)
		}
		if err := sparse.WriteRaw(t.Context(), raw, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "qcow2"), write(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, argv := range [][]string{{"check", "-f", "qcow2", "qcow2"}, {"compare", "-f", "raw", "-F", "qcow2", "raw", "qcow2"}} {
			cmd := exec.Command("qemu-img", argv...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("qemu-img %q: %v\n%s", argv, err, out)
			}
		}
	}
}
