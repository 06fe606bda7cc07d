package proof_test

import (
	"testing"

	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/proof"
	"kiln/internal/store"
)

// A signature attached later changes nothing of what was built: the image verifies,
// and is the same as one without it. One bit of it changed is told.
func TestAttachedLater(t *testing.T) {
	s := newSample()
	layout, plain := s.write(t, oci.Gzip, true), s.write(t, oci.Gzip, true)
	img, err := image.Read(t.Context(), image.ParseReference(layout), image.Options{Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	st, err := store.Open(t.TempDir()+"/store", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	put := func(text string) oci.Descriptor {
		d, err := oci.PutFile(st, "", "text/plain", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	signature := put("signed")
	manifest := manifestOf(img)
	a := oci.Artifact{Type: "application/vnd.dev.sigstore.bundle.v0.3+json", Config: put("{}"), Blobs: []oci.Descriptor{signature}, Subject: &manifest}
	if err := oci.AttachLayout(t.Context(), st, layout, "", []oci.Artifact{a}); err != nil {
		t.Fatal(err)
	}
	if text := told(verify(t, "oci:"+layout)); text != "" {
		t.Errorf("the signed layout: %s", text)
	}
	for _, pair := range [][2]string{{layout, plain}, {plain, layout}} {
		found, err := proof.Compare(t.Context(), image.ParseReference(pair[0]), image.ParseReference(pair[1]), proof.Options{Spool: t.TempDir()})
		if err != nil || len(found) > 0 {
			t.Errorf("with and without a signature: %v %v", found, err)
		}
	}
	change(t, layout+"/blobs/sha256/"+signature.Digest.Hex(), func(b []byte) { b[2] ^= 1 })
	if text := told(verify(t, "oci:"+layout)); text == "" {
		t.Error("a changed signature is not told")
	}
}

// manifestOf is the manifest of an image, as what is beside it names it.
func manifestOf(img *image.Image) oci.Descriptor {
	d := oci.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: img.Digest}
	for _, doc := range img.Documents {
		if doc.Digest == img.Digest {
			d.Size = int64(len(doc.Text))
		}
	}
	return d
}
