package machine

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln/internal/disk/gpt"
)

// What stands at a path is told by its bytes, whatever its name.
func TestOpenImage(t *testing.T) {
	t.Parallel()
	raw := rawDisk(t, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
	qcow2 := make([]byte, 1024)
	copy(qcow2, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(qcow2[24:], 1<<30)
	vhd := append(bytes.Clone(raw), make([]byte, 512)...)
	copy(vhd[len(raw):], "conectix")
	binary.BigEndian.PutUint64(vhd[len(raw)+48:], uint64(len(raw)))
	for _, row := range []struct {
		summary string
		data    []byte
		want    Image
		err     string
	}{
		{"raw, amd64", raw, Image{Format: "raw", Size: int64(len(raw)), Arch: "amd64"}, ""},
		{"raw, arm64", rawDisk(t, "b921b045-1df0-41c3-af44-4c6f280d3fae"), Image{Format: "raw", Size: int64(len(raw)), Arch: "arm64"}, ""},
		{"raw, of somebody else", rawDisk(t, "0fc63daf-8483-4772-8e79-3d69d8477de4"), Image{Format: "raw", Size: int64(len(raw))}, ""},
		{"qcow2", qcow2, Image{Format: "qcow2", Size: 1 << 30}, ""},
		{"VHD", vhd, Image{Format: "vpc", Size: int64(len(raw)), Arch: "amd64"}, ""},
		{"text", bytes.Repeat([]byte("text"), 1000), Image{}, "no disk image"},
		{"less than a sector", []byte("QFI\xfb"), Image{}, "no disk image"},
	} {
		file := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(file, row.data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := OpenImage(file)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %v, %v", row.summary, got, err)
			}
			continue
		}
		row.want.Path = file
		if err != nil || got != row.want {
			t.Errorf("%s: %+v, %v; want %+v", row.summary, got, err, row.want)
		}
	}
	if _, err := OpenImage("nothing-here.raw"); err == nil || !strings.Contains(err.Error(), "cannot open the disk image") {
		t.Errorf("a path at which nothing is: %v", err)
	}
}

func rawDisk(t *testing.T, typ string) []byte {
	t.Helper()
	table := gpt.Table{Disk: gpt.Derive("disk"), Size: 4 << 20, Partitions: []gpt.Partition{
		{Type: gpt.MustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), GUID: gpt.Derive("esp"), Name: "esp", Start: 1 << 20, Size: 1 << 20},
		{Type: gpt.MustGUID(typ), GUID: gpt.Derive("root"), Name: "root", Start: 2 << 20, Size: 1 << 20},
	}}
	head, err := table.Head()
	if err != nil {
		t.Fatal(err)
	}
	return append(head, make([]byte, 4<<20-len(head))...)
}

// An overlay names what is below it, is as large as was asked for, and holds nothing.
func TestOverlay(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "overlay"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	below := Image{Path: `/a "b",c/disk.raw`, Format: "raw", Size: 1 << 20}
	if err := writeOverlay(f, below, 3<<30+1); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	at, n := be.Uint64(b[8:]), uint64(be.Uint32(b[16:]))
	var named struct {
		Driver string
		File   struct{ Filename string }
	}
	if err := json.Unmarshal(bytes.TrimPrefix(b[at:at+n], []byte("json:")), &named); err != nil || named.Driver != "raw" || named.File.Filename != below.Path {
		t.Errorf("below it is %+v, %v", named, err)
	}
	if size, tables := be.Uint64(b[24:]), be.Uint32(b[36:]); size != 3<<30+512 || tables != 7 {
		t.Errorf("it has %d bytes in %d tables", size, tables)
	}
	for _, size := range []int64{0, maxOverlay + 1} {
		if err := writeOverlay(f, below, size); err == nil {
			t.Errorf("a disk of %d bytes was made", size)
		}
	}
}
