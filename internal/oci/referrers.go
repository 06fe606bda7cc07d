package oci

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln"
)

// What stands beside an image (the record of its build, SBOMs, signed statements) are
// artifacts with the image, or one of its platforms, as their subject: referrers
// (image-spec 1.1, manifest.md, "subject"). In a layout they are blobs like others,
// listed in an image index as the distribution specification's referrers API
// answers with, and index.json's one entry names that index in an annotation: a
// second entry would make skopeo and podman ask which image is meant
// (docs/design/003-build-record.md).

// AnnotationReferrers, at the entry of index.json, is the digest of the index of the
// entry's referrers, and of those of the manifests that the entry leads to.
const AnnotationReferrers = "vnd.kiln.referrers"

// Artifacts of these types are made with the image, by each build anew. All others
// were attached to an image later, and stay when the same image is written again.
var builtTypes = []string{TypeBuild, TypeSPDX, TypeCycloneDX}

// The artifactTypes of SBOMs, which are the media types of their formats.
const (
	TypeSPDX      = "application/spdx+json"
	TypeCycloneDX = "application/vnd.cyclonedx+json"
)

// Refer returns ix with the artifacts beside it, whose manifests it stores. Their
// subjects are the image or one of its manifests. The digests of the image do not change.
func (ix Index) Refer(st Putter, artifacts ...Artifact) (Index, error) {
	for _, a := range artifacts {
		d, err := PutReferrer(st, a)
		if err != nil {
			return Index{}, err
		}
		ix.referrers = append(slices.Clip(ix.referrers), d)
		ix.blobs = append(append(slices.Clip(ix.blobs), d, a.Config), a.Blobs...)
	}
	return ix.listReferrers(st)
}

// listReferrers writes the list of ix's referrers and names it at the entry.
func (ix Index) listReferrers(st Putter) (Index, error) {
	b, err := ReferrersIndex(ix.referrers)
	if err != nil {
		return Index{}, err
	}
	list, err := PutFile(st, "", mediaIndex, b)
	if err != nil {
		return Index{}, fmt.Errorf("cannot write the list of the referrers: %w", err)
	}
	ix.list = list
	ix.entry.Annotations = maps.Clone(ix.entry.Annotations)
	ix.entry.Annotations[AnnotationReferrers] = string(list.Digest)
	if signed(ix.referrers) {
		ix.entry.Annotations[annotationKind] = kindSigned
	}
	return ix, nil
}

// What cosign (3.0.3 and newer) knows the image of a layout by, when it looks for signatures
// there (--local-image): the annotation at its entry. It then reads all blobs, and takes
// the bundles whose manifests have that image as their subject. kiln writes it where there
// are any, also at an image index, for which cosign has no such name.
const (
	annotationKind = "kind"
	kindSigned     = "dev.cosignproject.cosign/image"
	bundleTypes    = "application/vnd.dev.sigstore.bundle"
)

// Unsigned is an index.json of kiln's without what is there because of a Sigstore bundle,
// but for the digest of the list.
func Unsigned(top []byte) []byte {
	return bytes.ReplaceAll(top, []byte(`"`+annotationKind+`":"`+kindSigned+`",`), nil) // a name comes behind it
}

// signed tells whether a Sigstore bundle is among the referrers.
func signed(referrers []Descriptor) bool {
	return slices.ContainsFunc(referrers, func(d Descriptor) bool { return strings.HasPrefix(d.ArtifactType, bundleTypes) })
}

// Subject is the image as artifacts name it that are about it.
func (ix Index) Subject() *Descriptor { return ix.entry.subject() }

// Subject is the image for one platform as artifacts name it that are about it.
func (m Manifest) Subject() *Descriptor { return m.Descriptor.subject() }

func (d Descriptor) subject() *Descriptor {
	return &Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// PutReferrer writes the manifest of a, and returns what a list of referrers says of it.
func PutReferrer(st Putter, a Artifact) (Descriptor, error) {
	d, err := PutArtifact(st, a)
	if err != nil {
		return d, fmt.Errorf("cannot write the artifact %s: %w", a.Type, err)
	}
	d.Annotations = a.Annotations
	return d, nil
}

// ReferrersIndex is the list of the referrers, each once, whatever their order.
func ReferrersIndex(referrers []Descriptor) ([]byte, error) {
	sorted := slices.Clone(referrers)
	slices.SortFunc(sorted, func(a, b Descriptor) int {
		return cmp.Or(cmp.Compare(a.ArtifactType, b.ArtifactType), cmp.Compare(a.Digest, b.Digest))
	})
	sorted = slices.CompactFunc(sorted, func(a, b Descriptor) bool { return a.Digest == b.Digest })
	return marshal(index{SchemaVersion: 2, MediaType: mediaIndex, Manifests: sorted})
}

// ParseReferrers reads a list of referrers.
func ParseReferrers(b []byte) ([]Descriptor, error) {
	manifests, err := parseIndex(b)
	if err != nil {
		return nil, fmt.Errorf("the list of the referrers: %w", err)
	}
	for _, d := range manifests {
		if d.MediaType != mediaManifest && d.MediaType != mediaIndex {
			return nil, fmt.Errorf("the list of the referrers names a %q", d.MediaType)
		}
	}
	return manifests, nil
}

// parseIndex reads an image index, and returns what it names.
func parseIndex(b []byte) ([]Descriptor, error) {
	var ix index
	if err := json.Unmarshal(b, &ix); err != nil {
		return nil, fmt.Errorf("it is not valid: %w", err)
	}
	if ix.SchemaVersion != 2 || ix.MediaType != mediaIndex {
		return nil, fmt.Errorf("it is no image index")
	}
	for _, d := range ix.Manifests {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("it names %w", err)
		}
	}
	return ix.Manifests, nil
}

// Built reports whether artifacts of a type are made with the image.
func Built(artifactType string) bool { return slices.Contains(builtTypes, artifactType) }

// Referrers are what stands beside the image, as the list names it.
func (ix Index) Referrers() []Descriptor { return slices.Clone(ix.referrers) }

// referrersOf is the digest of the list that an entry of index.json names; empty
// where it names none.
func referrersOf(entry Descriptor) (kiln.Digest, error) {
	name := entry.Annotations[AnnotationReferrers]
	if name == "" {
		return "", nil
	}
	return kiln.ParseDigest(name)
}
