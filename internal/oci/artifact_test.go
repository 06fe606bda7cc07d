package oci_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// artifact is one with two blobs, both in the store.
func artifact(t *testing.T, st *store.Store) oci.Artifact {
	t.Helper()
	blob := func(text string) oci.Descriptor {
		d, n, err := st.PutBytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return oci.Descriptor{MediaType: "text/plain", Digest: d, Size: n}
	}
	return oci.Artifact{Type: "application/vnd.test", Config: blob("{}"), Blobs: []oci.Descriptor{blob("one"), blob("{}")}, Annotations: map[string]string{"a": "b"}}
}

// An artifact is read as it was written, in a folder and in a tar, each blob once.
func TestArtifact(t *testing.T) {
	st := openStore(t)
	a := artifact(t, st)
	subject := oci.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: kiln.DigestOf(nil), Size: 1}
	for _, a.Subject = range []*oci.Descriptor{nil, &subject} {
		d, err := oci.PutArtifact(st, a)
		if err != nil {
			t.Fatal(err)
		}
		dir, file := filepath.Join(t.TempDir(), "a.oci"), filepath.Join(t.TempDir(), "a.tar")
		if err := oci.WriteArtifact(context.Background(), st, d, a, "name", dir, nil); err != nil {
			t.Fatal(err)
		}
		if err := oci.WriteArtifactTar(context.Background(), st, d, a, "name", 7, file, nil); err != nil {
			t.Fatal(err)
		}
		files, _ := readTar(t, file)
		delete(files, "blobs/")
		delete(files, "blobs/sha256/")
		if diff := cmp.Diff(readDir(t, dir), files); diff != "" {
			t.Errorf("folder and tar differ (-folder +tar):\n%s", diff)
		}
		if len(files) != 5 { // oci-layout, index.json, the manifest, two blobs
			t.Errorf("it has %d files", len(files))
		}
		sole, err := oci.ParseSole(files["index.json"])
		if err != nil || sole.Digest != d.Digest || sole.ArtifactType != a.Type || sole.Annotations["org.opencontainers.image.ref.name"] != "name" {
			t.Errorf("index.json names %+v, %v", sole, err)
		}
		got, err := oci.ParseArtifact(files["blobs/sha256/"+d.Digest.Hex()], a.Type)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, got, cmp.AllowUnexported(oci.Descriptor{})); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
	}
}

// What is no manifest of the artifact that is wanted, or names what is no blob, is refused.
func TestArtifactIsRefused(t *testing.T) {
	const head = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.test",`
	sum := string(kiln.DigestOf(nil))
	blob := func(digest, size string) string {
		return `{"mediaType":"x","digest":"` + digest + `","size":` + size + `}`
	}
	for _, row := range []struct{ text, err string }{
		{`{`, "not valid"},
		{`{}`, "not one of an OCI image"},
		{strings.Replace(head, "vnd.test", "vnd.other", 1) + `"config":` + blob(sum, "1") + `}`, `of the type "application/vnd.other"`},
		{head + `"config":` + blob("sha256:../../x", "1") + `}`, "not a digest"},
		{head + `"config":` + blob(sum, "-1") + `}`, "a blob of -1 bytes"},
		{head + `"config":` + blob(sum, "1") + `,"layers":[` + blob("md5:x", "1") + `]}`, "not a digest"},
		{head + `"config":` + blob(sum, "1") + `,"subject":` + blob("", "1") + `}`, "not a digest"},
	} {
		if _, err := oci.ParseArtifact([]byte(row.text), "application/vnd.test"); err == nil || !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: %v, want %q", row.text, err, row.err)
		}
	}
	manifest := `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + sum + `","size":1}`
	for _, row := range []struct{ text, err string }{
		{`[]`, "not valid"},
		{`{"schemaVersion":2,"manifests":[]}`, "names 0 manifests"},
		{`{"schemaVersion":2,"manifests":[` + manifest + `,` + manifest + `]}`, "names 2 manifests"},
		{`{"schemaVersion":2,"manifests":[` + blob(sum, "1") + `]}`, `names a "x"`},
		{`{"schemaVersion":2,"manifests":[` + strings.Replace(manifest, sum, "sha256:0", 1) + `]}`, "not a digest"},
	} {
		if _, err := oci.ParseSole([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: %v, want %q", row.text, err, row.err)
		}
	}
}
