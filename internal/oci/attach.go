package oci

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"

	"kiln"
	"kiln/internal/store"
)

// TypeBuild is the artifactType of the record of a build: an artifact that stands
// beside an image and says what it was made of.
const TypeBuild = "application/vnd.kiln.build.v1"

// AnnotationTitle names a file of an artifact, as ORAS and others name it.
const AnnotationTitle = "org.opencontainers.image.title"

// BuildRecord is the record of a build, its files in the store.
type BuildRecord struct {
	Config Descriptor // a Record
	Files  []Descriptor
}

// PutFile stores b, unless it is there, as a file of an artifact.
func PutFile(st Putter, title, mediaType string, b []byte) (Descriptor, error) {
	d := Descriptor{MediaType: mediaType, Digest: kiln.DigestOf(b), Size: int64(len(b))}
	if title != "" {
		d.Annotations = map[string]string{AnnotationTitle: title}
	}
	if size, err := st.Size(d.Digest); err == nil && size == d.Size {
		return d, nil
	}
	_, _, err := st.PutBytes(b)
	return d, err
}

// PutEmpty stores the configuration of an artifact that has none (image-spec 1.1,
// manifest.md, "Guidance for an Empty Descriptor").
func PutEmpty(st Putter) (Descriptor, error) {
	return PutFile(st, "", "application/vnd.oci.empty.v1+json", []byte("{}"))
}

// PutCompressedFile is PutFile of b as a gzip stream, quickly made: it is written anew
// with every image, and read seldom.
func PutCompressedFile(st Putter, title, mediaType string, b []byte) (Descriptor, error) {
	var z bytes.Buffer
	w, err := gzipWriter(&z, gzip.BestSpeed)
	if err != nil {
		return Descriptor{}, err
	}
	if _, err := w.Write(b); err != nil {
		return Descriptor{}, err
	}
	if err := w.Close(); err != nil {
		return Descriptor{}, err
	}
	return PutFile(st, title, mediaType+"+gzip", z.Bytes())
}

// ReadCompressedFile returns what was given to PutCompressedFile, verified.
func ReadCompressedFile(st *store.Store, d Descriptor) ([]byte, error) {
	b, err := st.ReadAll(d.Digest)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// Attach returns ix with r as the record of its build, whose manifest it stores.
// The digests of the image do not change.
func (ix Index) Attach(st Putter, r BuildRecord) (Index, error) {
	return ix.Refer(st, Artifact{Type: TypeBuild, Config: r.Config, Blobs: r.Files, Subject: ix.Subject()})
}
