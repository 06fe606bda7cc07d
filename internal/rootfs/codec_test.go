package rootfs

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/linkage"
	"kiln/internal/tree"
)

func sampleIndex() *index {
	d := kiln.DigestOf([]byte("x"))
	return &index{
		Content: d, Control: "Package: x\n", Newest: 100, BuiltAt: -1,
		Conffiles: []deb.Conffile{{Path: "/etc/x"}, {Path: "/etc/y", RemoveOnUpgrade: true}},
		Files:     []controlFile{{Name: "postinst", Mode: 0o755, Size: 1, Offset: 3, Digest: d}, {Name: "triggers", Mode: 0o644, Digest: d}},
		Entries: []packed{
			{Entry: tree.Entry{Path: ".", Type: tree.Dir, Mode: 0o755}},
			{Entry: tree.Entry{Path: "x", Type: tree.File, Mode: 0o4755, UID: 1, GID: 2, ModTime: 3, Size: 1, Content: d,
				Xattrs: map[string]string{"user.b": "\xff\x00", "user.a": ""}}, Offset: 7, MD5: [16]byte{1, 2, 3},
				Linkage: &linkage.File{Machine: 62, Class: 2, Type: 3, Dynamic: true, Interpreter: "/ld", Soname: "x.so", Needed: []string{"y", ""}, RunPath: "/r", Inherited: true}},
			{Entry: tree.Entry{Path: "y", Type: tree.File, Hard: true, Link: "x", Size: 1, Content: d}, Offset: 7},
			{Entry: tree.Entry{Path: "z", Type: tree.Symlink, Mode: 0o777, Link: "größe"}},
		},
	}
}

func TestIndexRoundTrip(t *testing.T) {
	want := sampleIndex()
	got, err := decodeIndex(want.encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIndexCutAnywhereIsAnError(t *testing.T) {
	b := sampleIndex().encode()
	for n := range b {
		if _, err := decodeIndex(b[:n]); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(b))
		}
	}
	if _, err := decodeIndex(append(b, 0)); err == nil {
		t.Error("a byte too many decodes")
	}
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(sampleIndex().encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		ix, err := decodeIndex(b)
		if err != nil {
			return
		}
		again, err := decodeIndex(ix.encode())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ix.encode(), again.encode()) {
			t.Error("encode, decode, encode differs")
		}
	})
}

// Each entry is within bounds, all together are not.
func TestNamesAreBounded(t *testing.T) {
	d := &dataReader{}
	h := &tar.Header{Name: "x", PAXRecords: map[string]string{"SCHILY.xattr.user.a": strings.Repeat("v", 60<<10)}}
	entries := 0
	for ; d.names <= maxNames; entries++ {
		err := d.count(h)
		if over := d.names > maxNames; over != (kiln.CodeOf(err) == kiln.Refused) {
			t.Fatalf("after %d entries, %d bytes: %v", entries, d.names, err)
		}
	}
	if want := maxNames/(60<<10+20) + 1; entries != want {
		t.Errorf("refused after %d entries, want %d", entries, want)
	}
}
