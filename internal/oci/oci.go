// Package oci writes root file systems as container images: layers, image
// configuration, manifest and index, as the OCI image format specification 1.1
// says, and from these the outputs: layout folder, layout tar, docker archive,
// plain tar, folder. It knows trees and the store, and of no package family.
//
// The bytes depend on the arguments alone: not on the clock, on the number of
// processors, or on what the store already held.
package oci

import (
	"bytes"
	"encoding/json"
	"fmt"

	"kiln"
)

// The media types of the specification that are written here.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// annotationRef names an entry of a layout's index.json.
const annotationRef = "org.opencontainers.image.ref.name"

// annotationName is where containerd, and so docker's newer store, looks for the
// full name of an image in an archive.
const annotationName = "io.containerd.image.name"

// Descriptor points at a blob, as the specification's descriptor.md says.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"` // of a manifest that is no image's
	Digest       kiln.Digest       `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Platform     *platform         `json:"platform,omitempty"`
}

// platform is kiln.Platform in the form of the image index.
type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

func platformOf(p kiln.Platform) platform {
	return platform{Architecture: p.Architecture, OS: p.OS, Variant: p.Variant}
}

// marshal is compact JSON, with "&", "<" and ">" as they are. Keys come in the
// order of the struct, those of a map sorted.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Putter is where documents are stored: a store.Store, or a store.Batch.
type Putter interface {
	Size(d kiln.Digest) (int64, error) // an error where it is not there
	PutBytes(b []byte) (kiln.Digest, int64, error)
}

// putJSON stores v, unless it is there, and returns where it is.
func putJSON(st Putter, mediaType string, v any) (Descriptor, error) {
	b, err := marshal(v)
	if err != nil {
		return Descriptor{}, fmt.Errorf("cannot encode the %s: %w", mediaType, err)
	}
	d := Descriptor{MediaType: mediaType, Digest: kiln.DigestOf(b), Size: int64(len(b))}
	if size, err := st.Size(d.Digest); err == nil && size == d.Size {
		return d, nil
	}
	_, _, err = st.PutBytes(b)
	return d, err
}

// Runs returns the platform that a descriptor is for; ok is false where it says none,
// or one of an attestation ("unknown").
func (d Descriptor) Runs() (p kiln.Platform, ok bool) {
	if d.Platform == nil || d.Platform.OS == "unknown" {
		return p, false
	}
	return kiln.Platform{OS: d.Platform.OS, Architecture: d.Platform.Architecture, Variant: d.Platform.Variant}, true
}

// For returns d as an index names the image for a platform.
func (d Descriptor) For(p kiln.Platform) Descriptor {
	o := platformOf(p)
	d.Platform = &o
	return d
}
