package oci

import (
	"fmt"
	"maps"
	"slices"

	"kiln"
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
	// Digest is that of what index.json names: of the image index, or, with one
	// platform, of the manifest.
	Digest    kiln.Digest
	Ref       string // the name in index.json: a version, or "latest"
	Manifests []Manifest
	entry     Descriptor   // what index.json names
	blobs     []Descriptor // the image index, and what the referrers are made of
	referrers []Descriptor
	list      Descriptor // of the referrers, where there are any
	created   kiln.Epoch // of an image that was moved here
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
func Assemble(st Putter, layers []Layer, cfg Config, annotations map[string]string) (Manifest, error) {
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
func WriteIndex(st Putter, manifests []Manifest, ref string, annotations map[string]string) (Index, error) {
	if len(manifests) == 0 {
		return Index{}, fmt.Errorf("bug: an index over no manifest")
	}
	ix := Index{Ref: ref, Manifests: slices.Clone(manifests), entry: manifests[0].Descriptor}
	if len(manifests) > 1 {
		var err error
		if ix.entry, err = putIndex(st, manifests, annotations); err != nil {
			return Index{}, fmt.Errorf("cannot write the image index: %w", err)
		}
		ix.blobs = []Descriptor{ix.entry}
	}
	ix.Digest = ix.entry.Digest
	ix.entry.Annotations = map[string]string{annotationRef: ref}
	return ix, nil
}

func putIndex(st Putter, manifests []Manifest, annotations map[string]string) (Descriptor, error) {
	doc := index{SchemaVersion: 2, MediaType: mediaIndex, Annotations: annotations}
	for _, m := range manifests {
		doc.Manifests = append(doc.Manifests, m.Descriptor)
	}
	return putJSON(st, mediaIndex, doc)
}

// top is the index.json of a layout that holds the image, with further annotations
// at its entry.
func (ix *Index) top(annotations map[string]string) ([]byte, error) {
	all := maps.Clone(ix.entry.Annotations)
	maps.Copy(all, annotations)
	b, err := topIndex(ix.entry, all)
	if err != nil {
		return nil, fmt.Errorf("cannot write the image index: %w", err)
	}
	return b, nil
}

// topIndex is the index.json of a layout that holds one image.
func topIndex(entry Descriptor, annotations map[string]string) ([]byte, error) {
	entry.Annotations = annotations
	return marshal(index{SchemaVersion: 2, MediaType: mediaIndex, Manifests: []Descriptor{entry}})
}
