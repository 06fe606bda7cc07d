package oci

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

// Named is what a manifest, or an index, of somebody else's names: a referrer may be
// either (image-spec 1.1, image-index.md, "artifactType", "subject").
type Named struct {
	Type      string       // artifactType, as a list of referrers says it
	Subject   *Descriptor  // may be nil
	Manifests []Descriptor // of an index
	Blobs     []Descriptor // of a manifest: its configuration, then its layers
}

// maxNested bounds how deep indexes lie in each other.
const maxNested = 8

// ParseNamed reads a manifest or an index, whose descriptor is d.
func ParseNamed(d Descriptor, b []byte) (Named, error) {
	var m struct {
		manifest
		Manifests []Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return Named{}, fmt.Errorf("its manifest is not valid: %w", err)
	}
	n := Named{Type: m.ArtifactType, Subject: m.Subject}
	switch {
	case m.SchemaVersion != 2 || m.MediaType != "" && m.MediaType != d.MediaType:
		return Named{}, fmt.Errorf("its manifest is a %q, want a %q", m.MediaType, d.MediaType)
	case d.MediaType == mediaIndex:
		n.Manifests = m.Manifests
	case d.MediaType == mediaManifest:
		n.Type, n.Blobs = cmp.Or(m.ArtifactType, m.Config.MediaType), append([]Descriptor{m.Config}, m.Layers...)
	default:
		return Named{}, errors.New("its manifest is none of OCI's")
	}
	all := append(append([]Descriptor{}, n.Manifests...), n.Blobs...)
	if m.Subject != nil {
		all = append(all, *m.Subject)
	}
	for _, d := range all {
		if err := d.check(); err != nil {
			return Named{}, fmt.Errorf("its manifest names %w", err)
		}
	}
	return n, nil
}

// Walk calls visit for the manifest or index d and for all that it names, each after
// what names it. read reads documents, checked against their digests.
func Walk(d Descriptor, read func(Descriptor) ([]byte, error), visit func(Descriptor) error) error {
	return walk(d, read, visit, 0)
}

func walk(d Descriptor, read func(Descriptor) ([]byte, error), visit func(Descriptor) error, depth int) error {
	if depth > maxNested {
		return errors.New("its indexes lie deeper in each other than any should")
	}
	b, err := read(d)
	if err != nil {
		return err
	}
	n, err := ParseNamed(d, b)
	if err != nil {
		return err
	}
	if err := visit(d); err != nil {
		return err
	}
	for _, m := range n.Manifests {
		if err := walk(m, read, visit, depth+1); err != nil {
			return err
		}
	}
	for _, blob := range n.Blobs {
		if err := visit(blob); err != nil {
			return err
		}
	}
	return nil
}
