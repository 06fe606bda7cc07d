package oci_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// The documents, field by field, as the specification and its examples have them.
func TestDocuments(t *testing.T) {
	st, s := openStore(t), newSample(t)
	m := manifestFor(t, st, s, armv7(), oci.Gzip)
	l := m.Layers
	config := `{"created":"2023-11-14T22:13:20Z","architecture":"arm","os":"linux","variant":"v7",` +
		`"config":{"User":"10001:10001","ExposedPorts":{"8080/tcp":{},"8443/tcp":{}},"Env":["LANG=C.UTF-8","TZ=UTC"],` +
		`"Entrypoint":["/usr/bin/app"],"Cmd":["--listen",":8080"],"Volumes":{"/data":{}},"WorkingDir":"/srv",` +
		`"Labels":{"a":"1","b":"<2>"},"StopSignal":"SIGTERM",` +
		`"Healthcheck":{"Test":["CMD","/usr/bin/app","--health"],"Interval":10000000000,"Timeout":1500000000,"Retries":3}},` +
		`"rootfs":{"type":"layers","diff_ids":["` + string(l[0].DiffID) + `","` + string(l[1].DiffID) + `"]},` +
		`"history":[{"created":"2023-11-14T22:13:20Z","created_by":"kiln layer base","comment":"11 entries, 808448 bytes as tar"},` +
		`{"created":"2023-11-14T22:13:17Z","created_by":"kiln layer app","comment":"2 entries, 2560 bytes as tar"}]}`
	same(t, "config", config, readBlob(t, st, m.Config.Digest))

	layer := func(l oci.Layer) string {
		return `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"` + string(l.Digest) + `","size":` + number(l.Size) + `}`
	}
	annotations := `"annotations":{"org.opencontainers.image.created":"2023-11-14T22:13:20Z","org.opencontainers.image.title":"web","org.opencontainers.image.version":"1.4.0"}`
	manifest := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + string(m.Config.Digest) + `","size":` + number(int64(len(config))) + `},` +
		`"layers":[` + layer(l[0]) + `,` + layer(l[1]) + `],` + annotations + `}`
	same(t, "manifest", manifest, readBlob(t, st, m.Digest))

	other := manifestFor(t, st, s, amd64(), oci.Gzip)
	ix := indexOf(t, st, other, m)
	entry := func(m oci.Manifest, platform string) string {
		return `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + string(m.Digest) + `","size":` + number(m.Size) + `,"platform":` + platform + `}`
	}
	index := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
		entry(other, `{"architecture":"amd64","os":"linux"}`) + `,` + entry(m, `{"architecture":"arm","os":"linux","variant":"v7"}`) + `],` + annotations + `}`
	same(t, "index", index, readBlob(t, st, ix.Digest))
}

func TestEmptyImageHasLists(t *testing.T) {
	st := openStore(t)
	m, err := oci.Assemble(st, nil, oci.Config{Platform: amd64()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "config", `{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}`, readBlob(t, st, m.Config.Digest))
	if got := readBlob(t, st, m.Digest); !strings.Contains(got, `"layers":[]`) {
		t.Errorf("manifest %s", got)
	}
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func number(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func readBlob(t *testing.T, st *store.Store, d kiln.Digest) string {
	t.Helper()
	b, err := st.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkLayout checks that files are an image layout: every blob has its name's
// digest, and what the index reaches is exactly what is there.
func checkLayout(t *testing.T, files map[string][]byte, further ...string) {
	t.Helper()
	want := append([]string{"oci-layout", "index.json"}, further...)
	same(t, "oci-layout", `{"imageLayoutVersion":"1.0.0"}`, string(files["oci-layout"]))
	var reach func(doc []byte)
	reach = func(doc []byte) {
		var d struct {
			Config            *oci.Descriptor
			Layers, Manifests []oci.Descriptor
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		all := append(d.Layers, d.Manifests...)
		if d.Config != nil {
			all = append(all, *d.Config)
		}
		for _, e := range all {
			name := "blobs/sha256/" + e.Digest.Hex()
			blob, ok := files[name]
			if !ok || kiln.DigestOf(blob) != e.Digest || int64(len(blob)) != e.Size {
				t.Errorf("%s: there: %v, %d bytes of %d, digest %s", name, ok, len(blob), e.Size, kiln.DigestOf(blob))
			}
			want = append(want, name)
			if strings.Contains(e.MediaType, "manifest") || strings.Contains(e.MediaType, "index") {
				reach(blob)
			}
		}
	}
	reach(files["index.json"])
	got := map[string][]byte{}
	for name, b := range files {
		if b != nil {
			got[name] = b
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestLayouts(t *testing.T) {
	st, s := openStore(t), newSample(t)
	one, two := manifestFor(t, st, s, amd64(), oci.Gzip), manifestFor(t, st, s, armv7(), oci.Gzip)
	for name, ix := range map[string]oci.Index{"one": indexOf(t, st, one), "two": indexOf(t, st, one, two)} {
		t.Run(name, func(t *testing.T) {
			dir, file := filepath.Join(t.TempDir(), "out.oci"), filepath.Join(t.TempDir(), "out.tar")
			for range 2 { // over the first one, the second time
				if err := oci.WriteLayout(t.Context(), st, ix, dir, nil); err != nil {
					t.Fatal(err)
				}
				if err := oci.WriteLayoutTar(t.Context(), st, ix, file, nil); err != nil {
					t.Fatal(err)
				}
			}
			files := readDir(t, dir)
			checkLayout(t, files)
			inTar, _ := readTar(t, file)
			checkLayout(t, inTar)
			var top struct{ Manifests []oci.Descriptor }
			if err := json.Unmarshal(files["index.json"], &top); err != nil {
				t.Fatal(err)
			}
			if len(top.Manifests) != 1 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.4.0" {
				t.Errorf("index.json %s", files["index.json"])
			}
			if ix.Digest != top.Manifests[0].Digest || (top.Manifests[0].Platform == nil) == (name == "one") {
				t.Errorf("index.json %s, index %s", files["index.json"], ix.Digest)
			}
			noLeftovers(t, filepath.Dir(dir), "out.oci")
			noLeftovers(t, filepath.Dir(file), "out.tar")
		})
	}
}

func noLeftovers(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in the folder of the output (-want +got):\n%s", diff)
	}
}

func TestDockerArchive(t *testing.T) {
	st, s := openStore(t), newSample(t)
	m := manifestFor(t, st, s, amd64(), oci.Gzip)
	file := filepath.Join(t.TempDir(), "web.tar")
	if err := oci.WriteDockerArchive(t.Context(), st, indexOf(t, st, m), "web:1.4.0", file, nil); err != nil {
		t.Fatal(err)
	}
	files, names := readTar(t, file)
	checkLayout(t, files, "manifest.json")
	same(t, "manifest.json", `[{"Config":"blobs/sha256/`+m.Config.Digest.Hex()+`","RepoTags":["web:1.4.0"],"Layers":["blobs/sha256/`+
		m.Layers[0].Digest.Hex()+`","blobs/sha256/`+m.Layers[1].Digest.Hex()+`"]}]`, string(files["manifest.json"]))
	if names[0] != "blobs/" || names[1] != "blobs/sha256/" {
		t.Errorf("the folders come late: %q", names)
	}
	if !strings.Contains(string(files["index.json"]), `"annotations":{"io.containerd.image.name":"web:1.4.0","org.opencontainers.image.ref.name":"1.4.0"}`) {
		t.Errorf("index.json %s", files["index.json"])
	}
}

// A blob that two layers share is there once, and named twice.
func TestArchiveOfEqualLayers(t *testing.T) {
	st, s := openStore(t), newSample(t)
	s.layers = append(s.layers, s.layers[1])
	m := manifestFor(t, st, s, amd64(), oci.Gzip)
	file := filepath.Join(t.TempDir(), "web.tar")
	if err := oci.WriteDockerArchive(t.Context(), st, indexOf(t, st, m), "web:1.4.0", file, nil); err != nil {
		t.Fatal(err)
	}
	files, _ := readTar(t, file)
	checkLayout(t, files, "manifest.json")
	if got := strings.Count(string(files["manifest.json"]), m.Layers[1].Digest.Hex()); got != 2 {
		t.Errorf("manifest.json names the shared layer %d times", got)
	}
}

func TestDockerArchiveRefusesZstd(t *testing.T) {
	st := openStore(t)
	m := manifestFor(t, st, newSample(t), amd64(), oci.Zstd)
	dir := t.TempDir()
	err := oci.WriteDockerArchive(t.Context(), st, indexOf(t, st, m), "web:1", filepath.Join(dir, "web.tar"), nil)
	if err == nil || !strings.Contains(err.Error(), "is not compressed with gzip") || len(kiln.HintsOf(err)) != 2 {
		t.Errorf("error %v", err)
	}
	noLeftovers(t, dir)
}

func TestTarIsTheMergedTree(t *testing.T) {
	s := newSample(t)
	file := filepath.Join(t.TempDir(), "root.tar")
	if err := oci.WriteTar(t.Context(), openStore(t), s.tree.Digest(), rootOf(s), file, nil); err != nil {
		t.Fatal(err)
	}
	files, names := readTar(t, file)
	want := []string{"./", "bin", "etc/", "etc/absolute", "etc/app.conf", "etc/empty", "etc/outside", "tmp/", "usr/", "usr/bin/", "usr/bin/ping", "usr/bin/tool", "usr/bin/tool2"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	same(t, "etc/app.conf", "listen=:8080\n", string(files["etc/app.conf"]))
}

// rootOf gives out the sample's tree.
func rootOf(s sample) oci.Root {
	return func(context.Context) (*tree.Tree, tree.Contents, error) { return s.tree, s.contents, nil }
}

// outputs are all that can be written, each to a path.
func outputs(st *store.Store, s sample, ix oci.Index) map[string]func(ctx context.Context, path string) error {
	return map[string]func(ctx context.Context, path string) error{
		"layout":     func(ctx context.Context, p string) error { return oci.WriteLayout(ctx, st, ix, p, nil) },
		"layout tar": func(ctx context.Context, p string) error { return oci.WriteLayoutTar(ctx, st, ix, p, nil) },
		"docker": func(ctx context.Context, p string) error {
			return oci.WriteDockerArchive(ctx, st, ix, "web:1", p, nil)
		},
		"tar": func(ctx context.Context, p string) error {
			return oci.WriteTar(ctx, st, s.tree.Digest(), rootOf(s), p, nil)
		},
		"folder": func(ctx context.Context, p string) error {
			return oci.WriteFolder(ctx, s.tree, s.contents, p, oci.FolderOptions{})
		},
	}
}

func TestOutputsLeaveNothingWhenCancelled(t *testing.T) {
	st, s := openStore(t), newSample(t)
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, write := range outputs(st, s, ix) {
		dir := t.TempDir()
		if err := write(ctx, filepath.Join(dir, "out")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
		noLeftovers(t, dir)
	}
}

// What is in the way and is not ours stays as it is.
func TestOutputsRefuseToReplace(t *testing.T) {
	st, s := openStore(t), newSample(t)
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
	for name, write := range outputs(st, s, ix) {
		dir := t.TempDir()
		full := filepath.Join(dir, "full")
		if err := os.MkdirAll(filepath.Join(full, "letters"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(full, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{full, filepath.Join(dir, "link"), "/dev/null"} {
			err := write(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), "is there") || len(kiln.HintsOf(err)) == 0 {
				t.Errorf("%s over %q: error %v", name, path, err)
			}
		}
		noLeftovers(t, dir, "full", "link")
		noLeftovers(t, full, "letters")
		if err := write(t.Context(), filepath.Join(dir, "missing", "out")); err == nil || !strings.HasPrefix(strings.Join(kiln.HintsOf(err), ""), "mkdir -p ") {
			t.Errorf("%s in a missing folder: error %v, hints %q", name, err, kiln.HintsOf(err))
		}
	}
}

func TestFoldersMayBeEmpty(t *testing.T) {
	st, s := openStore(t), newSample(t)
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
	for _, name := range []string{"layout", "folder"} {
		dir := t.TempDir()
		if err := outputs(st, s, ix)[name](t.Context(), dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
			t.Errorf("%s: nothing was written: %v", name, err)
		}
		os.Chmod(filepath.Join(dir, "usr"), 0o755) // so that it can be removed
	}
}

func TestDamagedBlobReachesNoOutput(t *testing.T) {
	for _, name := range []string{"layout", "layout tar", "docker"} {
		st, s := openStore(t), newSample(t)
		ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
		corrupt(t, st, ix.Manifests[0].Layers[0].Members[0].Digest)
		dir := t.TempDir()
		err := outputs(st, s, ix)[name](t.Context(), filepath.Join(dir, "out"))
		if kiln.CodeOf(err) != kiln.Refused || !strings.Contains(strings.Join(kiln.HintsOf(err), ""), "run the same command again") {
			t.Errorf("%s: error %v", name, err)
		}
		noLeftovers(t, dir)
		if again := manifestFor(t, st, s, amd64(), oci.Gzip); again.Digest != ix.Manifests[0].Digest {
			t.Errorf("%s: the run after that gives %s, want %s", name, again.Digest, ix.Manifests[0].Digest)
		}
		if err := outputs(st, s, ix)[name](t.Context(), filepath.Join(dir, "out")); err != nil {
			t.Errorf("%s: the run after that: %v", name, err)
		}
	}
}

// A layout with something else beside it is not replaced.
func TestLayoutKeepsWhatIsNoPartOfIt(t *testing.T) {
	st, s := openStore(t), newSample(t)
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
	dir := filepath.Join(t.TempDir(), "out")
	if err := oci.WriteLayout(t.Context(), st, ix, dir, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := oci.WriteLayout(t.Context(), st, ix, dir, nil)
	if kiln.CodeOf(err) != kiln.User || !strings.Contains(err.Error(), `"precious", which is no part of one`) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "precious")); err != nil {
		t.Error(err)
	}
}
