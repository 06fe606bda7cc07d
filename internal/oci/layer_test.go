package oci_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// golden holds the format still: these digests change only with a new format
// version, which the action keys must show.
func golden() map[oci.Compression][]kiln.Digest {
	return map[oci.Compression][]kiln.Digest{
		oci.Gzip: {"sha256:b6c97cfaf70a97a966cdc42199775b9356516cd4ad369bfadd716dad6f919fe6",
			"sha256:c28345ecfddc6af4635b68e7975f21010e04bf6d7802b9500c1e0a85d9d77f48"},
		oci.Zstd: {"sha256:993784be470d5185cafea1aee537e878726b797083ae6da93b4ca4099f5da328",
			"sha256:1eaf10d68fd054a1cb39721ad9fbc1aaa920cd2928f533833b2931c2ab6cb0b4"},
	}
}

// goldenDiffIDs are the same for every compression.
func goldenDiffIDs() []kiln.Digest {
	return []kiln.Digest{"sha256:fe8226d14ab43925635770f83d061ba3af493f80bb709ecc15ba5d3f2d53747a", "sha256:0f3821c5fd49e05dacabbffd77fb52ca6e33de77f34911b83b9291cc03e3f5a8"}
}

func TestGoldenLayers(t *testing.T) {
	for comp, want := range golden() {
		layers := build(t, openStore(t), newSample(t), comp)
		for i, l := range layers {
			if l.Digest != want[i] {
				t.Errorf("%s: layer %q has the digest %s, want %s", comp, l.Name, l.Digest, want[i])
			}
			if want := goldenDiffIDs()[i]; l.DiffID != want {
				t.Errorf("%s: layer %q has the diff id %s, want %s", comp, l.Name, l.DiffID, want)
			}
		}
	}
}

// expand reads a whole layer with a decompressor of another make where there is one.
func expand(t *testing.T, comp oci.Compression, blob []byte) []byte {
	t.Helper()
	var r io.Reader
	var err error
	if comp == oci.Gzip {
		r, err = gzip.NewReader(bytes.NewReader(blob))
	} else {
		r, err = zstd.NewReader(bytes.NewReader(blob))
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The layer is the tar of its entries in order, whatever the cut.
func TestLayerIsOneTar(t *testing.T) {
	s := newSample(t)
	for _, comp := range []oci.Compression{oci.Gzip, oci.Zstd} {
		st := openStore(t)
		for i, l := range build(t, st, s, comp) {
			var want bytes.Buffer
			tw := tree.NewTarWriter(&want)
			for _, e := range s.layers[i].Entries() {
				if err := tw.Add(e, s.contents); err != nil {
					t.Fatal(err)
				}
			}
			if err := tw.Close(); err != nil {
				t.Fatal(err)
			}
			blob := layerBlob(t, st, l)
			got := expand(t, comp, blob)
			if !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s %s: the tar differs", comp, l.Name)
			}
			if l.DiffID != kiln.DigestOf(got) || l.Uncompressed != int64(len(got)) || l.Size != int64(len(blob)) {
				t.Errorf("%s %s: %+v does not describe the blob", comp, l.Name, l)
			}
			if want := "application/vnd.oci.image.layer.v1.tar+" + string(comp); l.MediaType != want {
				t.Errorf("media type %q, want %q", l.MediaType, want)
			}
		}
	}
}

// One gzip member for each member with entries and one for the end, each with the
// same header: no name, no time, no system.
func TestGzipMembers(t *testing.T) {
	st, s := openStore(t), newSample(t)
	l := build(t, st, s, oci.Gzip)[0]
	blob := layerBlob(t, st, l)
	r := bytes.NewReader(blob)
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	members := 0
	for ; ; members++ {
		at := len(blob) - r.Len() - 10
		if diff := cmp.Diff([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, blob[at:at+10]); diff != "" {
			t.Errorf("header of member %d (-want +got):\n%s", members, diff)
		}
		z.Multistream(false)
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Fatal(err)
		}
		if err := z.Reset(r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if members+1 != 5 {
		t.Errorf("%d gzip members, want 5", members+1)
	}
}

// The bytes are the same whatever was in the store, however many processors there
// are, and however the content comes in.
func TestLayersDoNotDependOnCircumstances(t *testing.T) {
	s := newSample(t)
	for _, comp := range []oci.Compression{oci.Gzip, oci.Zstd} {
		st := openStore(t)
		want := build(t, st, s, comp)
		check := func(what string, got []oci.Layer) {
			t.Helper()
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(oci.Layer{})); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", comp, what, diff)
			}
		}
		check("warm", build(t, st, s, comp))

		other := openStore(t)
		half := s.layers[0]
		half.Members = half.Members[:2]
		if _, err := oci.BuildLayer(t.Context(), other, half, s.contents, oci.LayerOptions{Compression: comp}); err != nil {
			t.Fatal(err)
		}
		check("some members cached", build(t, other, s, comp))

		procs := runtime.GOMAXPROCS(1)
		check("one processor", build(t, openStore(t), s, comp))
		runtime.GOMAXPROCS(max(procs, 2))
		check("more processors", build(t, openStore(t), s, comp))
		runtime.GOMAXPROCS(procs)

		var dripped []oci.Layer
		for _, l := range s.layers {
			built, err := oci.BuildLayer(t.Context(), openStore(t), l, drip{s.contents}, oci.LayerOptions{Compression: comp})
			if err != nil {
				t.Fatal(err)
			}
			dripped = append(dripped, built)
		}
		check("content by the byte", dripped)
	}
}

// drip gives content a byte at a time.
type drip struct{ tree.Contents }

func (d drip) OpenContent(c kiln.Digest) (io.ReadCloser, error) {
	r, err := d.Contents.OpenContent(c)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{iotest.OneByteReader(r), r}, nil
}

// counting counts how often content is opened.
type counting struct {
	tree.Contents
	mu    *sync.Mutex
	opens *int
}

func (c counting) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	c.mu.Lock()
	*c.opens++
	c.mu.Unlock()
	return c.Contents.OpenContent(d)
}

func TestWarmBuildReadsNoContent(t *testing.T) {
	st, s := openStore(t), newSample(t)
	build(t, st, s, oci.Gzip)
	c := counting{s.contents, &sync.Mutex{}, new(int)}
	l, err := oci.BuildLayer(t.Context(), st, s.layers[0], c, oci.LayerOptions{Compression: oci.Gzip})
	if err != nil {
		t.Fatal(err)
	}
	if *c.opens != 0 {
		t.Errorf("content was opened %d times", *c.opens)
	}
	// A result of which a member is gone is a miss.
	gone := l.Members[len(l.Members)-1].Digest
	if err := st.Damaged(gone, errors.New("test")); kiln.CodeOf(err) != kiln.Refused {
		t.Fatal(err)
	}
	again, err := oci.BuildLayer(t.Context(), st, s.layers[0], c, oci.LayerOptions{Compression: oci.Gzip})
	if diff := cmp.Diff(l, again, cmpopts.IgnoreUnexported(oci.Layer{})); err != nil || diff != "" {
		t.Errorf("built anew: %v (-want +got):\n%s", err, diff)
	}
	if !st.Has(gone) {
		t.Error("the member is not there again")
	}
}

// Every field that reaches the tar is in the action key, and the origin is not:
// a change of the one gives another layer, from the same store too.
func TestActionKeyCoversTheEntry(t *testing.T) {
	st := openStore(t)
	c := tree.Bytes{}
	base := func() tree.Entry {
		return tree.Entry{Path: "f", Type: tree.File, Mode: 0o644, Size: 4, Content: c.Add([]byte("text")), Xattrs: map[string]string{"user.a": "\xfe"}}
	}
	digest := func(change func(*tree.Entry)) kiln.Digest {
		t.Helper()
		e := base()
		change(&e)
		l, err := oci.BuildLayer(t.Context(), st, tree.Layer{Name: "l", Members: []tree.Member{{Name: "m", Entries: []tree.Entry{e}}}}, c, oci.LayerOptions{Compression: oci.Gzip})
		if err != nil {
			t.Fatal(err)
		}
		return l.Digest
	}
	want := digest(func(*tree.Entry) {})
	if got := digest(func(e *tree.Entry) { e.Origin = tree.Origin{Package: "p", Why: "w"} }); got != want {
		t.Error("the origin reaches the layer")
	}
	seen := map[kiln.Digest]string{want: "nothing"}
	for name, change := range map[string]func(*tree.Entry){
		"path":     func(e *tree.Entry) { e.Path = "g" },
		"mode":     func(e *tree.Entry) { e.Mode = 0o4644 },
		"uid":      func(e *tree.Entry) { e.UID = 1 },
		"gid":      func(e *tree.Entry) { e.GID = 1 },
		"time":     func(e *tree.Entry) { e.ModTime = 1 },
		"content":  func(e *tree.Entry) { e.Content = c.Add([]byte("TEXT")) },
		"xattr":    func(e *tree.Entry) { e.Xattrs = map[string]string{"user.a": "\xfd"} },
		"xattrs":   func(e *tree.Entry) { e.Xattrs = map[string]string{"user.b": "\xfe"} },
		"no xattr": func(e *tree.Entry) { e.Xattrs = nil },
		"symlink":  func(e *tree.Entry) { *e = tree.Entry{Path: "f", Type: tree.Symlink, Link: "a"} },
		"target":   func(e *tree.Entry) { *e = tree.Entry{Path: "f", Type: tree.Symlink, Link: "b"} },
		"device":   func(e *tree.Entry) { *e = tree.Entry{Path: "f", Type: tree.CharDev, Major: 1, Minor: 3} },
		"minor":    func(e *tree.Entry) { *e = tree.Entry{Path: "f", Type: tree.CharDev, Major: 1, Minor: 5} },
		"major":    func(e *tree.Entry) { *e = tree.Entry{Path: "f", Type: tree.CharDev, Major: 2, Minor: 3} },
	} {
		got := digest(change)
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same layer as changing %s", name, other)
		}
		seen[got] = name
	}
}

func TestLayerErrorsNameTheLayer(t *testing.T) {
	s := newSample(t)
	for name, row := range map[string]struct {
		ctx  func() context.Context
		c    tree.Contents
		want string
	}{
		"content missing": {t.Context, tree.Bytes{}, `cannot write the layer "base"`},
		"cancelled": {func() context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}, s.contents, context.Canceled.Error()},
	} {
		st := openStore(t)
		_, err := oci.BuildLayer(row.ctx(), st, s.layers[0], row.c, oci.LayerOptions{Compression: oci.Gzip})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %q", name, err, row.want)
		}
		if stat, err := st.Stat(); err != nil || stat.Staging != 0 {
			t.Errorf("%s: left in staging: %+v, %v", name, stat, err)
		}
	}
}

// A damaged member is found while joining; the next run makes it again.
func TestDamagedMemberIsMadeAgain(t *testing.T) {
	st, s := openStore(t), newSample(t)
	part := s.layers[0]
	part.Members = part.Members[1:2]
	if _, err := oci.BuildLayer(t.Context(), st, part, s.contents, oci.LayerOptions{Compression: oci.Gzip}); err != nil {
		t.Fatal(err)
	}
	corruptLargest(t, st)
	_, err := oci.BuildLayer(t.Context(), st, s.layers[0], s.contents, oci.LayerOptions{Compression: oci.Gzip})
	if err != nil && kiln.CodeOf(err) != kiln.Refused {
		t.Fatalf("error %v, want it refused", err)
	}
	if err == nil {
		t.Fatal("the damaged member was used")
	}
	l, err := oci.BuildLayer(t.Context(), st, s.layers[0], s.contents, oci.LayerOptions{Compression: oci.Gzip})
	if err != nil || l.Digest != golden()[oci.Gzip][0] {
		t.Errorf("run again: %s, %v", l.Digest, err)
	}
}

// corruptLargest damages every blob of the store that is over a kilobyte.
func corruptLargest(t *testing.T, st *store.Store) {
	t.Helper()
	for name, b := range readDir(t, st.Dir()) {
		if strings.HasPrefix(name, "blobs/") && len(b) > 1024 {
			d, err := kiln.DigestFromHex(name[strings.LastIndex(name, "/")+1:])
			if err != nil {
				t.Fatal(err)
			}
			corrupt(t, st, d)
		}
	}
}

func TestParseCompression(t *testing.T) {
	for _, s := range []string{"gzip", "zstd"} {
		if c, err := oci.ParseCompression(s); err != nil || string(c) != s {
			t.Errorf("%q: %q, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "GZIP", "xz"} {
		if _, err := oci.ParseCompression(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}

// The library's version is part of the action keys.
func TestLibraryVersionIsThatOfGoMod(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("compression.go")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`klauspost/compress v\S+`).FindString(string(mod))
	if want == "" || !strings.Contains(string(source), `"`+want+`"`) {
		t.Errorf("compression.go does not name %q", want)
	}
}

// A member of one large file is cut before its content: with another time, which
// the layer's epoch gives it, the content is not compressed again.
func TestLargeFileIsCutFromItsHeader(t *testing.T) {
	st, c := openStore(t), tree.Bytes{}
	big := c.Add(bytes.Repeat([]byte("a database\n"), 20000))
	made := func(size int64, at kiln.Epoch) (oci.Layer, []byte) {
		file := tree.Entry{Path: "etc/hwdb.bin", Type: tree.File, Mode: 0o644, Size: size, Content: big, ModTime: at}
		l := tree.Layer{Name: "l", Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}, {Path: "etc", Type: tree.Dir, Mode: 0o755}}},
			{Name: "kiln /etc/hwdb.bin", Entries: []tree.Entry{file}},
		}}
		layer, err := oci.BuildLayer(t.Context(), st, l, c, oci.LayerOptions{Compression: oci.Gzip})
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		tw := tree.NewTarWriter(&want)
		for _, e := range l.Entries() {
			if err := tw.Add(e, c); err != nil {
				t.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		got := expand(t, oci.Gzip, layerBlob(t, st, layer))
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("time %d: the tar differs", at)
		}
		return layer, got
	}
	first, one := made(220000, 1)
	second, two := made(220000, 2)
	if len(first.Members) != 4 || first.Members[1] == second.Members[1] || first.Members[2] != second.Members[2] || bytes.Equal(one, two) {
		t.Errorf("members %v, then %v", first.Members, second.Members)
	}
	// At the limit, where padding is none, or whole blocks follow.
	for _, size := range []int{128<<10 - 1, 128 << 10, 128<<10 + 1} {
		big = c.Add(bytes.Repeat([]byte{'x'}, size))
		l, _ := made(int64(size), 1)
		if want := map[bool]int{true: 4, false: 3}[size >= 128<<10]; len(l.Members) != want {
			t.Errorf("%d bytes: %d members, want %d", size, len(l.Members), want)
		}
	}
}
