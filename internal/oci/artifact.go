package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/store"
)

// Artifact is something that is no image and is kept as one is: the image
// manifest of the specification's manifest.md, "Guidelines for Artifact Usage".
// Its blobs are in the store.
type Artifact struct {
	Type        string // artifactType
	Config      Descriptor
	Blobs       []Descriptor // the manifest's layers, in order
	Subject     *Descriptor  // the image that it is about; may be nil
	Annotations map[string]string
}

// PutArtifact writes the manifest of a to the store.
func PutArtifact(st Putter, a Artifact) (Descriptor, error) {
	d, err := putJSON(st, mediaManifest, manifest{
		SchemaVersion: 2, MediaType: mediaManifest, ArtifactType: a.Type,
		Config: a.Config, Layers: a.Blobs, Subject: a.Subject, Annotations: a.Annotations,
	})
	d.ArtifactType = a.Type
	return d, err
}

// artifactParts are the files of a layout that holds a alone, under the name ref.
func artifactParts(d Descriptor, a Artifact, ref string) ([]part, error) {
	top, err := ArtifactIndex(d, ref)
	if err != nil {
		return nil, err
	}
	return layoutParts(top, blobParts(nil, append([]Descriptor{d, a.Config}, a.Blobs...))), nil
}

// ArtifactIndex is the index.json of a layout that holds the artifact with the
// manifest d alone, under the name ref.
func ArtifactIndex(d Descriptor, ref string) ([]byte, error) {
	return topIndex(d, map[string]string{annotationRef: ref})
}

// WriteArtifact writes a, whose manifest is d, as an image layout in folder dir, as
// WriteLayout writes an image.
func WriteArtifact(ctx context.Context, st *store.Store, d Descriptor, a Artifact, ref, dir string, job *kiln.Job) error {
	if err := checkLayoutPlace(dir); err != nil {
		return err
	}
	parts, err := artifactParts(d, a, ref)
	if err != nil {
		return err
	}
	return writeLayout(ctx, st, parts, dir, job)
}

// WriteArtifactTar writes a, whose manifest is d, as one tar file that holds an
// image layout. Its files have the time created.
func WriteArtifactTar(ctx context.Context, st *store.Store, d Descriptor, a Artifact, ref string, created kiln.Epoch, file string, job *kiln.Job) error {
	parts, err := artifactParts(d, a, ref)
	if err != nil {
		return err
	}
	return writeArchive(ctx, st, "oci-archive", parts, created, file, job)
}

// ParseArtifact reads the manifest of an artifact of the type want.
func ParseArtifact(b []byte, want string) (Artifact, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Artifact{}, fmt.Errorf("its manifest is not valid: %w", err)
	}
	switch {
	case m.SchemaVersion != 2 || m.MediaType != mediaManifest:
		return Artifact{}, errors.New("its manifest is not one of an OCI image")
	case cmp.Or(m.ArtifactType, m.Config.MediaType) != want: // as a list of referrers says it
		return Artifact{}, fmt.Errorf("its manifest is of the type %q, want %q", m.ArtifactType, want)
	}
	all := append([]Descriptor{m.Config}, m.Layers...)
	if m.Subject != nil {
		all = append(all, *m.Subject)
	}
	for _, d := range all {
		if err := d.check(); err != nil {
			return Artifact{}, fmt.Errorf("its manifest names %w", err)
		}
	}
	return Artifact{Type: m.ArtifactType, Config: m.Config, Blobs: m.Layers, Subject: m.Subject, Annotations: m.Annotations}, nil
}

func (d Descriptor) check() error {
	if _, err := kiln.ParseDigest(string(d.Digest)); err != nil {
		return fmt.Errorf("a blob that is %w", err)
	}
	if d.Size < 0 {
		return fmt.Errorf("a blob of %d bytes: %s", d.Size, d.Digest)
	}
	return nil
}

// ParseSole reads an index.json that names one manifest, or one index, alone.
func ParseSole(b []byte) (Descriptor, error) {
	var ix index
	if err := json.Unmarshal(b, &ix); err != nil {
		return Descriptor{}, fmt.Errorf("its index.json is not valid: %w", err)
	}
	if ix.SchemaVersion != 2 || len(ix.Manifests) != 1 {
		return Descriptor{}, fmt.Errorf("its index.json names %d manifests, want one", len(ix.Manifests))
	}
	d := ix.Manifests[0]
	if !slices.Contains([]string{mediaManifest, mediaIndex}, d.MediaType) {
		return Descriptor{}, fmt.Errorf("its index.json names a %q", d.MediaType)
	}
	if err := d.check(); err != nil {
		return Descriptor{}, fmt.Errorf("its index.json names %w", err)
	}
	return d, nil
}
