package oci

import (
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/store"
)

// Manifest is the image for one platform, its blobs in the store.
type Manifest struct {
	Descriptor
	Target  kiln.Platform
	Created kiln.Epoch
	Config  Descriptor
	Layers  []Layer
}

// Index is the image for all of its platforms, its blobs in the store.
type Index struct {
	// Digest is that of the image index: of the blob that index.json names, or,
	// with one platform, of index.json itself.
	Digest    kiln.Digest
	Ref       string // the name in index.json: a version, or "latest"
	Manifests []Manifest
	blobs     []Descriptor // the image index, if it is a blob
	top       []byte       // index.json
}

// The manifest, as the specification's manifest.md says.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Subject       *Descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// The index, as the specification's image-index.md says.
type index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Manifests     []Descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Assemble writes the configuration and the manifest of an image to the store.
// The layers are in order, lowest first; the annotations stand in the manifest.
func Assemble(st *store.Store, layers []Layer, cfg Config, annotations map[string]string) (Manifest, error) {
	config, err := putJSON(st, mediaConfig, imageConfigOf(layers, cfg))
	if err != nil {
		return Manifest{}, fmt.Errorf("cannot write the image configuration: %w", err)
	}
	doc := manifest{SchemaVersion: 2, MediaType: mediaManifest, Config: config, Layers: []Descriptor{}, Annotations: annotations}
	for _, l := range layers {
		doc.Layers = append(doc.Layers, Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size})
	}
	d, err := putJSON(st, mediaManifest, doc)
	if err != nil {
		return Manifest{}, fmt.Errorf("cannot write the image manifest: %w", err)
	}
	p := platformOf(cfg.Platform)
	d.Platform = &p
	return Manifest{Descriptor: d, Target: cfg.Platform, Created: cfg.Created, Config: config, Layers: slices.Clone(layers)}, nil
}

// WriteIndex writes the index over manifests, one for each platform, to the
// store. At the top of a layout there is one entry, named ref, in any case: tools
// then find it without being told a name. With one platform it is the manifest;
// with more it is an image index, which bears the annotations.
func WriteIndex(st *store.Store, manifests []Manifest, ref string, annotations map[string]string) (Index, error) {
	if len(manifests) == 0 {
		return Index{}, fmt.Errorf("bug: an index over no manifest")
	}
	ix := Index{Ref: ref, Manifests: slices.Clone(manifests)}
	var err error
	entry := manifests[0].Descriptor
	if len(manifests) > 1 {
		if entry, err = putIndex(st, manifests, annotations); err != nil {
			return Index{}, fmt.Errorf("cannot write the image index: %w", err)
		}
		ix.blobs = []Descriptor{entry}
	}
	ix.top, err = topIndex(entry, map[string]string{annotationRef: ref})
	if err != nil {
		return Index{}, fmt.Errorf("cannot write the image index: %w", err)
	}
	ix.Digest = kiln.DigestOf(ix.top)
	if len(ix.blobs) > 0 {
		ix.Digest = entry.Digest
	}
	return ix, nil
}

func putIndex(st *store.Store, manifests []Manifest, annotations map[string]string) (Descriptor, error) {
	doc := index{SchemaVersion: 2, MediaType: mediaIndex, Annotations: annotations}
	for _, m := range manifests {
		doc.Manifests = append(doc.Manifests, m.Descriptor)
	}
	return putJSON(st, mediaIndex, doc)
}

// topIndex is the index.json of a layout that holds one image.
func topIndex(entry Descriptor, annotations map[string]string) ([]byte, error) {
	entry.Annotations = annotations
	return marshal(index{SchemaVersion: 2, MediaType: mediaIndex, Manifests: []Descriptor{entry}})
}
