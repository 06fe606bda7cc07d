package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"kiln"
	"kiln/internal/image"
)

// member is a header of a tar with content.
type member struct {
	name, content, link string
	kind                byte // 0: a folder where the name ends in a slash, else a file
	mode                int64
	xattrs              map[string]string
	major               int64
}

// tarOf writes members as they stand: names that no honest tool writes included.
func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		h := &tar.Header{Format: tar.FormatPAX, Name: m.name, Typeflag: m.kind, Mode: m.mode, Size: int64(len(m.content)), Linkname: m.link, Devmajor: m.major}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			if strings.HasSuffix(m.name, "/") {
				h.Typeflag = tar.TypeDir
			}
		}
		if h.Mode == 0 {
			h.Mode = map[bool]int64{true: 0o755, false: 0o644}[h.Typeflag == tar.TypeDir]
		}
		for name, value := range m.xattrs {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords["SCHILY.xattr."+name] = value
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gz(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(b)
	_ = w.Close()
	return buf.Bytes()
}

func zst(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func plain(b []byte) []byte { return b }

type object = map[string]any

// layout is the files of an OCI image layout by name.
type layout map[string][]byte

func (l layout) blob(b []byte) string {
	d := kiln.DigestOf(b)
	l["blobs/sha256/"+d.Hex()] = b
	return string(d)
}

func (l layout) document(t testing.TB, mediaType string, v object) object {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return object{"mediaType": mediaType, "digest": l.blob(b), "size": len(b)}
}

// add puts an image of the given tars into l and returns its descriptor.
func (l layout) add(t testing.TB, compress func([]byte) []byte, run object, tars ...[]byte) object {
	t.Helper()
	layers, ids := []object{}, []string{}
	for _, b := range tars {
		packed := compress(b)
		layers = append(layers, object{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": l.blob(packed), "size": len(packed)})
		ids = append(ids, string(kiln.DigestOf(b)))
	}
	config := l.document(t, "application/vnd.oci.image.config.v1+json", object{
		"architecture": "amd64", "os": "linux", "config": run, "rootfs": object{"type": "layers", "diff_ids": ids},
	})
	return l.document(t, "application/vnd.oci.image.manifest.v1+json", object{"schemaVersion": 2, "config": config, "layers": layers})
}

// top names the images in index.json.
func (l layout) top(t testing.TB, entries ...object) layout {
	t.Helper()
	b, err := json.Marshal(object{"schemaVersion": 2, "manifests": entries})
	if err != nil {
		t.Fatal(err)
	}
	l["index.json"], l["oci-layout"] = b, []byte(`{"imageLayoutVersion":"1.0.0"}`)
	return l
}

// write puts the layout below dir.
func (l layout) write(t testing.TB, dir string) string {
	t.Helper()
	for name, b := range l {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tar is the layout as one tar file.
func (l layout) tar(t testing.TB) []byte {
	t.Helper()
	var members []member
	for _, name := range slices.Sorted(maps.Keys(l)) {
		members = append(members, member{name: name, content: string(l[name])})
	}
	return tarOf(t, members...)
}

func save(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, ref string, o image.Options) (*image.Image, error) {
	t.Helper()
	o.Spool = t.TempDir()
	img, err := image.Read(context.Background(), image.ParseReference(ref), o)
	if err == nil {
		t.Cleanup(func() { img.Close() })
	}
	return img, err
}

// readLayers reads an image of the given layers.
func readLayers(t testing.TB, layers ...[]byte) (*image.Image, error) {
	t.Helper()
	l := layout{}
	return read(t, l.top(t, l.add(t, plain, nil, layers...)).write(t, t.TempDir()), image.Options{})
}

func wantError(t *testing.T, err error, code kiln.Code, texts ...string) {
	t.Helper()
	if err == nil || kiln.CodeOf(err) != code {
		t.Errorf("error %v (%s), want %s", err, kiln.CodeOf(err), code)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}
