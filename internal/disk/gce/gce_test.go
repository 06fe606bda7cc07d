package gce_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kiln"
	"kiln/internal/disk/gce"
	"kiln/internal/disk/sparse"
	"kiln/internal/disk/sparse/sparsetest"
)

const epoch kiln.Epoch = 1700000000

func write(t *testing.T, m *sparse.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gce.Write(t.Context(), &b, m, epoch); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pieces is a disk of n pieces, and a hole at the end where one is asked for.
func pieces(t *testing.T, n int, hole bool) *sparse.Image {
	t.Helper()
	var all []sparse.Extent
	for i := range n {
		b := []byte(fmt.Sprintf("piece %d", i))
		all = append(all, sparse.Extent{Offset: int64(i) * (1 << 18), Size: int64(len(b)), Data: bytes.NewReader(b)})
	}
	if !hole {
		all = append(all, sparse.Extent{Offset: 1<<30 - 1, Size: 1, Data: bytes.NewReader([]byte{1})})
	}
	m, err := sparse.New(1<<30, all...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func same(t *testing.T, what string, r io.Reader, m *sparse.Image) {
	t.Helper()
	got, want := make([]byte, 4<<20), make([]byte, 4<<20)
	for off := int64(0); off < m.Size(); off += int64(len(got)) {
		if _, err := io.ReadFull(r, got); err != nil {
			t.Fatalf("%s: at %d: %v", what, off, err)
		}
		if _, err := m.ReadAt(want, off); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: it is another disk behind %d", what, off)
		}
	}
	if n, err := r.Read(got[:1]); n != 0 || err != io.EOF {
		t.Errorf("%s: it goes on: %v", what, err)
	}
}

// Go's reader of tar knows the form. The number of pieces is around what header and blocks hold.
func TestReadBack(t *testing.T) {
	for i, n := range []int{0, 4, 25, 26, 200} {
		hole := i%2 == 0
		m := pieces(t, n, hole)
		z, err := gzip.NewReader(bytes.NewReader(write(t, m)))
		if err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(z)
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != "disk.raw" || h.Typeflag != tar.TypeGNUSparse || h.Mode != 0o644 || h.ModTime.Unix() != int64(epoch) {
			t.Errorf("header %+v", h)
		}
		same(t, fmt.Sprint(n, hole), r, m)
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("it goes on: %v", err)
		}
	}
}

// The bytes are a promise.
func TestGolden(t *testing.T) {
	const want = "sha256:84d54d173631bf50864549dbe04fc9a624bd46b96592c753c670a5c640a990d5"
	if got := kiln.DigestOf(write(t, sparsetest.Disk(1<<30))); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	if err := gce.Write(t.Context(), io.Discard, sparsetest.Disk(1<<30+1<<20), epoch); err == nil {
		t.Error("it has no whole number of GiB")
	}
}

// GNU tar unpacks the same disk, with its holes.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks tar: KILN_TEST=real")
	}
	for name, m := range map[string]*sparse.Image{"few": sparsetest.Disk(2 << 30), "many": pieces(t, 300, true)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "tar.gz"), write(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("tar", "-xzf", "tar.gz")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("tar: %v\n%s", err, out)
		}
		f, err := os.Open(filepath.Join(dir, "disk.raw"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, f, m)
	}
}
