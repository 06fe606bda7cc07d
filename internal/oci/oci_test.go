package oci_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
	"kiln/internal/tree"
)

const epoch kiln.Epoch = 1700000000

// sample is two layers with one of each that a tree can hold, and their content.
type sample struct {
	contents tree.Bytes
	layers   []tree.Layer
	tree     *tree.Tree
}

func newSample(t testing.TB) sample {
	t.Helper()
	s := sample{contents: tree.Bytes{}}
	big := bytes.Repeat([]byte("all work and no play makes a dull layer\n"), 20000)
	dir := func(p string, mode uint32) tree.Entry {
		return tree.Entry{Path: p, Type: tree.Dir, Mode: mode, ModTime: epoch - 5}
	}
	file := func(p string, mode uint32, content []byte) tree.Entry {
		return tree.Entry{Path: p, Type: tree.File, Mode: mode, ModTime: epoch - 9, Size: int64(len(content)), Content: s.contents.Add(content)}
	}
	hard := file("usr/bin/tool2", 0o4755, big)
	hard.Hard, hard.Link = true, "usr/bin/tool"
	capable := file("usr/bin/ping", 0o755, []byte("ping"))
	capable.Xattrs = map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "user.b": "\xff", "user.a": ""}
	owned := file("etc/app.conf", 0o640, []byte("listen=:8080\n"))
	owned.UID, owned.GID = 10001, 10002
	link := func(p, target string) tree.Entry {
		return tree.Entry{Path: p, Type: tree.Symlink, Mode: 0o777, ModTime: epoch - 7, Link: target}
	}
	s.layers = []tree.Layer{
		{Name: "base", Epoch: epoch, Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{dir(".", 0o755), dir("etc", 0o755), dir("tmp", 0o1777), dir("usr", 0o555), dir("usr/bin", 0o755)}},
			{Name: "tool_1_amd64", Entries: []tree.Entry{file("usr/bin/tool", 0o4755, big), hard}},
			{Name: "nothing_1_all"},
			{Name: "ping_1_amd64", Entries: []tree.Entry{capable}},
			{Name: "kiln", Entries: []tree.Entry{link("bin", "usr/bin"), link("etc/absolute", "/etc/app.conf"), link("etc/outside", "../../../../etc/passwd")}},
		}},
		{Name: "app", Epoch: epoch - 3, Members: []tree.Member{
			{Name: "kiln", Entries: []tree.Entry{owned, file("etc/empty", 0o600, nil)}},
		}},
	}
	var err error
	if s.tree, err = tree.Merge(s.layers...); err != nil {
		t.Fatal(err)
	}
	return s
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"), store.Options{Now: func() time.Time { return epoch.Time() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func build(t testing.TB, st *store.Store, s sample, comp oci.Compression) []oci.Layer {
	t.Helper()
	var layers []oci.Layer
	for _, l := range s.layers {
		built, err := oci.BuildLayer(t.Context(), st, l, s.contents, oci.LayerOptions{Compression: comp})
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, built)
	}
	return layers
}

func sampleConfig(p kiln.Platform) oci.Config {
	return oci.Config{
		Platform: p, Created: epoch, User: "10001:10001",
		Entrypoint: []string{"/usr/bin/app"}, Cmd: []string{"--listen", ":8080"},
		Env: []string{"TZ=UTC", "LANG=C.UTF-8"}, WorkingDir: "/srv",
		ExposedPorts: []string{"8443/tcp", "8080/tcp"}, Volumes: []string{"/data"}, StopSignal: "SIGTERM",
		Labels: map[string]string{"b": "<2>", "a": "1"},
		Healthcheck: &oci.Healthcheck{
			Test: []string{"CMD", "/usr/bin/app", "--health"}, Interval: 10 * time.Second, Timeout: 1500 * time.Millisecond, Retries: 3,
		},
	}
}

func sampleAnnotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":   "web",
		"org.opencontainers.image.version": "1.4.0",
		"org.opencontainers.image.created": "2023-11-14T22:13:20Z",
	}
}

func manifestFor(t testing.TB, st *store.Store, s sample, p kiln.Platform, comp oci.Compression) oci.Manifest {
	t.Helper()
	m, err := oci.Assemble(st, build(t, st, s, comp), sampleConfig(p), sampleAnnotations())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func amd64() kiln.Platform { return kiln.Platform{OS: "linux", Architecture: "amd64"} }
func armv7() kiln.Platform { return kiln.Platform{OS: "linux", Architecture: "arm", Variant: "v7"} }

func indexOf(t testing.TB, st *store.Store, manifests ...oci.Manifest) oci.Index {
	t.Helper()
	ix, err := oci.WriteIndex(st, manifests, "1.4.0", sampleAnnotations())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// readTar returns the files of a tar by name, directories with a nil content,
// and the names in order.
func readTar(t testing.TB, path string) (map[string][]byte, []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, names := map[string][]byte{}, []string(nil)
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files, names
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := files[h.Name]; ok {
			t.Errorf("%q is there twice", h.Name)
		}
		names = append(names, h.Name)
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name] = b; h.Typeflag == tar.TypeDir {
			files[h.Name] = nil
		}
	}
}

// readDir is readTar for a folder: its files by slash-separated name.
func readDir(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files[strings.TrimPrefix(p, dir+"/")] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// layerBlob returns the blob of a layer.
func layerBlob(t testing.TB, st *store.Store, l oci.Layer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := oci.CopyLayer(t.Context(), st, l, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// corrupt flips a bit of a blob in the store.
func corrupt(t testing.TB, st *store.Store, d kiln.Digest) {
	t.Helper()
	path := filepath.Join(st.Dir(), "blobs", "sha256", d.Hex()[:2], d.Hex())
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, b, 0o644)); err != nil {
		t.Fatal(err)
	}
}
