package tree_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/tree"
)

// writeTar writes the entries as one tar stream.
func writeTar(w io.Writer, entries []tree.Entry, c tree.Contents) error {
	tw := tree.NewTarWriter(w)
	for _, e := range entries {
		if err := tw.Add(e, c); err != nil {
			return err
		}
	}
	return tw.Close()
}

// sample has one entry of each kind that a tar header tells apart.
func sample() ([]tree.Entry, tree.Bytes) {
	c := tree.Bytes{}
	c.Add([]byte("hello\n"))
	tool := file("usr/tool", "hello\n")
	tool.Mode, tool.UID, tool.GID, tool.ModTime = 0o4755, 10001, 5, 1700000000
	tool.Xattrs = map[string]string{"user.z": "1", "security.capability": "\x01\x00\x00\x02\xff"}
	again := tool
	again.Path, again.Hard, again.Link = "usr/tool2", true, "usr/tool"
	far := file("usr/"+strings.Repeat("ü", 120), "")
	far.UID = 1 << 30
	return []tree.Entry{
		dir("."), dir("usr"), tool, again, far,
		symlink("usr/x", strings.Repeat("../", 60)+"y"),
		{Path: "usr/z0", Type: tree.CharDev, Mode: 0o600, Major: 5, Minor: 1},
		{Path: "usr/z1", Type: tree.BlockDev, Mode: 0o600, Major: 8, Minor: 1},
		{Path: "usr/z2", Type: tree.Fifo, Mode: 0o600, ModTime: 1},
	}, c
}

func TestTarRoundTrip(t *testing.T) {
	entries, c := sample()
	var buf bytes.Buffer
	if err := writeTar(&buf, entries, c); err != nil {
		t.Fatal(err)
	}
	got, err := tree.ReadTar(&buf, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries, got); diff != "" {
		t.Error(diff)
	}
}

// The bytes of a layer are a promise: this digest may change only together with
// lock.Format.
func TestTarBytesAreGolden(t *testing.T) {
	entries, c := sample()
	var buf bytes.Buffer
	if err := writeTar(&buf, entries, c); err != nil {
		t.Fatal(err)
	}
	const want = "sha256:57edf1c775a7390d0448adfa33fa278186cb70577ddfe7982351f0fe800c3a95"
	if got := kiln.DigestOf(buf.Bytes()); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestTarCanBeCutBetweenEntries(t *testing.T) {
	entries, c := sample()
	var buf bytes.Buffer
	tw := tree.NewTarWriter(&buf)
	for _, e := range entries {
		before := buf.Len()
		if err := tw.Add(e, c); err != nil {
			t.Fatal(err)
		}
		if n := buf.Len() - before; n < 512 || n%512 != 0 {
			t.Errorf("%q gave %d bytes", e.Path, n)
		}
		var alone bytes.Buffer
		if err := tree.NewTarWriter(&alone).Add(e, c); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(alone.Bytes(), buf.Bytes()[before:]) {
			t.Errorf("the bytes of %q depend on what stands before", e.Path)
		}
	}
}

func TestTarHeadersHoldNoMore(t *testing.T) {
	entries, c := sample()
	var buf bytes.Buffer
	if err := writeTar(&buf, entries, c); err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(&buf)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || !h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
			t.Errorf("%q: names or times leak: %+v", h.Name, h)
		}
		if strings.HasPrefix(h.Name, "./") && h.Name != "./" || strings.HasPrefix(h.Name, "/") {
			t.Errorf("name %q", h.Name)
		}
		if (h.Typeflag == tar.TypeDir) != strings.HasSuffix(h.Name, "/") {
			t.Errorf("%q: type %q", h.Name, h.Typeflag)
		}
	}
}

// contentsFunc is Contents of one function.
type contentsFunc func(kiln.Digest) (io.ReadCloser, error)

func (f contentsFunc) OpenContent(d kiln.Digest) (io.ReadCloser, error) { return f(d) }

func TestTarRefusesContentThatDoesNotVerify(t *testing.T) {
	wrong := errors.New("digest mismatch")
	for _, row := range []struct {
		summary string
		content io.Reader
		want    string
	}{
		{"short", strings.NewReader("12"), "2 bytes are there, 3 expected"},
		{"long", strings.NewReader("1234"), "more than the 3 bytes"},
		{"verdict at the end", io.MultiReader(strings.NewReader("123"), failing{wrong}), "digest mismatch"},
		{"verdict at once", failing{wrong}, "digest mismatch"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			c := contentsFunc(func(kiln.Digest) (io.ReadCloser, error) { return io.NopCloser(row.content), nil })
			wantError(t, tree.NewTarWriter(io.Discard).Add(file("a", "123"), c), row.want)
		})
	}
	wantError(t, tree.NewTarWriter(io.Discard).Add(file("a", "123"), nil), "no contents given")
	wantError(t, tree.NewTarWriter(io.Discard).Add(file("a", "123"), tree.Bytes{}), "it is not there")
	wantError(t, tree.NewTarWriter(io.Discard).Add(file("a", "123"), tree.Bytes{file("a", "123").Content: []byte("124")}), "it has become")
	wantError(t, tree.NewTarWriter(io.Discard).Add(file("../a", ""), nil), `holds ".."`)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadTarRefuses(t *testing.T) {
	for _, row := range []struct {
		summary string
		header  tar.Header
		want    string
	}{
		{"upwards", tar.Header{Name: "../x", Typeflag: tar.TypeReg}, `holds ".."`},
		{"absolute", tar.Header{Name: "/x", Typeflag: tar.TypeReg}, "absolute"},
		{"hard link to nothing", tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "y"}, `target "y" is no earlier file`},
		{"hard link upwards", tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "../y"}, `holds ".."`},
		{"odd type", tar.Header{Name: "x", Typeflag: '7'}, "unknown type"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			var buf bytes.Buffer
			tw := tar.NewWriter(&buf)
			if err := tw.WriteHeader(&row.header); err != nil {
				t.Fatal(err)
			}
			if err := tw.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := tree.ReadTar(&buf, nil)
			wantError(t, err, row.want)
		})
	}
}

func FuzzReadTar(f *testing.F) {
	entries, c := sample()
	var buf bytes.Buffer
	if err := writeTar(&buf, entries, c); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:700])
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := tree.ReadTar(bytes.NewReader(b), nil)
		if err != nil {
			return
		}
		for _, e := range entries {
			if clean, err := tree.CleanPath(e.Path); err != nil || clean != e.Path {
				t.Errorf("ReadTar gave the path %q", e.Path)
			}
		}
	})
}

// genTree draws a tree with content, and a random order of inserting and
// removing its parts.
func genTree(rt *rapid.T, c tree.Bytes) *tree.Tree {
	tr := tree.New()
	name := rapid.SampledFrom([]string{"a", "b", "a-", "c.d", "ü"})
	steps := rapid.IntRange(1, 30).Draw(rt, "steps")
	for range steps {
		parents := []string{"."}
		var files []string
		for e := range tr.All() {
			if e.Type == tree.Dir && strings.Count(e.Path, "/") < 3 {
				parents = append(parents, e.Path)
			}
			if e.Type == tree.File {
				files = append(files, e.Path)
			}
		}
		p := tree.Join(rapid.SampledFrom(parents).Draw(rt, "parent"), name.Draw(rt, "name"))
		content := rapid.SampledFrom([]string{"", "1", "two"}).Draw(rt, "content")
		c.Add([]byte(content))
		e := file(p, content)
		switch rapid.IntRange(0, 4).Draw(rt, "kind") {
		case 0:
			e = dir(p)
		case 1:
			e = symlink(p, rapid.SampledFrom([]string{"a", "../b", "/c.d", "."}).Draw(rt, "target"))
		case 2:
			if len(files) > 0 {
				first, _ := tr.Lookup(rapid.SampledFrom(files).Draw(rt, "first"))
				e = first
				e.Path, e.Hard, e.Link = p, true, first.Path
			}
		case 3:
			tr.Remove(p)
		}
		e.Mode = uint32(rapid.IntRange(0, 0o7777).Draw(rt, "mode"))
		_ = tr.Insert(e) // a refusal leaves the tree as it was
	}
	return tr
}

func TestTreesSurviveTarAndDiff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := tree.Bytes{}
		a, b := genTree(rt, c), genTree(rt, c)
		var buf bytes.Buffer
		if err := writeTar(&buf, a.Entries(), c); err != nil {
			rt.Fatal(err)
		}
		entries, err := tree.ReadTar(&buf, nil)
		if err != nil {
			rt.Fatal(err)
		}
		back, err := tree.Of(rapid.Permutation(entries).Draw(rt, "order")...)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(string(a.Listing()), string(back.Listing())); diff != "" {
			rt.Errorf("after tar:\n%s", diff)
		}
		if same := len(tree.Diff(a, b)) == 0; same != (a.Digest() == b.Digest()) {
			rt.Errorf("Diff says same=%v, digests differ from that:\n%v\n%v", same, a.Dump(), b.Dump())
		}
		checkInvariants(rt, a)
	})
}

// checkInvariants states what holds of every Tree.
func checkInvariants(rt *rapid.T, tr *tree.Tree) {
	for e := range tr.All() {
		if err := e.Check(); err != nil {
			rt.Error(err)
		}
		if up, ok := tr.Lookup(tree.Parent(e.Path)); !ok || up.Type != tree.Dir {
			rt.Errorf("%v has the parent %v", e, up)
		}
		names := tr.Names(e.Path)
		if e.Hard != (names[0] != e.Path) || e.Hard && e.Link != names[0] {
			rt.Errorf("%v has the names %q", e, names)
		}
		for _, name := range names {
			o, _ := tr.Lookup(name)
			o.Path, o.Hard, o.Link = e.Path, e.Hard, e.Link
			if diff := cmp.Diff(e, o); diff != "" {
				rt.Errorf("%q and %q are one inode but differ:\n%s", name, e.Path, diff)
			}
		}
	}
}

// GNU tar must see what we wrote.
func TestGNUTarAgrees(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs GNU tar: set KILN_TEST=real")
	}
	entries, c := sample()
	name := filepath.Join(t.TempDir(), "x.tar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeTar(f, entries, c); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tar", "--utc", "--full-time", "--quoting-style=literal", "-tvf", name)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"drwxr-xr-x 0/0 ", " ./\n", "-rwsr-xr-x 10001/5 ", "2023-11-14 22:13:20 usr/tool\n",
		"usr/tool2 link to usr/tool\n", strings.Repeat("ü", 120), "crw------- 0/0 ", "5,1 ", "prw------- 0/0 ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}
