package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/oci"
)

// The media types of manifests, of the OCI image specification and of docker.
const (
	mediaIndex      = "application/vnd.oci.image.index.v1+json"
	mediaManifest   = "application/vnd.oci.image.manifest.v1+json"
	mediaList       = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaManifestV2 = "application/vnd.docker.distribution.manifest.v2+json"
)

// manifestTypes are those that are asked for.
func manifestTypes() []string {
	return []string{mediaIndex, mediaManifest, mediaList, mediaManifestV2}
}

func isManifest(mediaType string) bool { return slices.Contains(manifestTypes(), mediaType) }

// document is a manifest or index as it stands, checked against its digest.
type document struct {
	oci.Descriptor
	text    []byte
	subject kiln.Digest      // may be empty
	name    string           // that it says itself, as artifacts do; may be empty
	names   []oci.Descriptor // further documents
	blobs   []oci.Descriptor
}

// parseDocument reads a manifest or index whose digest is right.
func parseDocument(d oci.Descriptor, text []byte) (document, error) {
	doc := document{Descriptor: d, text: text}
	var m struct {
		MediaType    string            `json:"mediaType"`
		ArtifactType string            `json:"artifactType"`
		Config       *oci.Descriptor   `json:"config"`
		Layers       []oci.Descriptor  `json:"layers"`
		Manifests    []oci.Descriptor  `json:"manifests"`
		Subject      *oci.Descriptor   `json:"subject"`
		Annotations  map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return doc, fmt.Errorf("the manifest %s is no JSON: %w", d.Digest, err)
	}
	if m.MediaType != "" { // what it says itself counts: a list may be wrong
		doc.MediaType = m.MediaType
	}
	if !isManifest(doc.MediaType) {
		return doc, fmt.Errorf("%s is a %q, which is no manifest", d.Digest, printable(doc.MediaType, 100))
	}
	switch doc.MediaType {
	case mediaIndex, mediaList:
		doc.names, doc.ArtifactType = m.Manifests, m.ArtifactType
	default:
		if m.Config == nil {
			return doc, fmt.Errorf("the manifest %s names no configuration", d.Digest)
		}
		doc.blobs = append([]oci.Descriptor{*m.Config}, m.Layers...)
		if doc.ArtifactType = m.ArtifactType; m.ArtifactType == "" && m.Subject != nil {
			doc.ArtifactType = m.Config.MediaType
		}
	}
	for _, b := range slices.Concat(doc.names, doc.blobs) {
		if _, err := kiln.ParseDigest(string(b.Digest)); err != nil || b.Size < 0 {
			return doc, fmt.Errorf("the manifest %s names a blob %q of %d bytes", d.Digest, printable(string(b.Digest), 100), b.Size)
		}
	}
	doc.name = m.Annotations[annotationRef]
	if m.Subject != nil {
		doc.subject = m.Subject.Digest
		doc.Annotations = m.Annotations
	}
	return doc, nil
}

// asReferrer is the descriptor of doc in a list of referrers (distribution
// specification 1.1, "Listing Referrers").
func (doc document) asReferrer() oci.Descriptor {
	return oci.Descriptor{MediaType: doc.MediaType, ArtifactType: doc.ArtifactType, Digest: doc.Digest, Size: int64(len(doc.text)), Annotations: doc.Annotations}
}

// getManifest reads the manifest that want, a tag or a digest, names at p. missing is
// true where the registry has none.
func (p place) getManifest(ctx context.Context, want string) (d oci.Descriptor, text []byte, err error) {
	a, err := p.host.exchange(ctx, kiln.StepPull, request{
		method: http.MethodGet, place: p, url: p.url("manifests", want), scopes: []string{p.pull()},
		header: http.Header{"Accept": manifestTypes()},
	}, http.StatusOK)
	if err != nil {
		return d, nil, err
	}
	got := kiln.DigestOf(a.body)
	digest, err := kiln.ParseDigest(want)
	switch said := a.header.Get("Docker-Content-Digest"); {
	case err == nil && got != digest:
		return d, nil, &trouble{altered: true, text: fmt.Sprintf("the registry served a manifest with the digest %s", got)}
	case err != nil && strings.HasPrefix(said, "sha256:") && said != string(got):
		return d, nil, &trouble{altered: true, text: fmt.Sprintf("the registry served a manifest with the digest %s, and says that it is %s", got, printable(said, 80))}
	}
	mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return oci.Descriptor{MediaType: strings.TrimSpace(mediaType), Digest: got, Size: int64(len(a.body))}, a.body, nil
}

// hasManifest tells whether want is at p, with the digest d.
func (p place) hasManifest(ctx context.Context, want string, d kiln.Digest) (bool, error) {
	a, err := p.host.exchange(ctx, kiln.StepPush, request{
		method: http.MethodHead, place: p, url: p.url("manifests", want), scopes: []string{p.push()},
		header: http.Header{"Accept": manifestTypes()},
	}, http.StatusOK, http.StatusNotFound)
	if err != nil || a.status == http.StatusNotFound {
		return false, err
	}
	said := a.header.Get("Docker-Content-Digest")
	return said == string(d) || said == "" && want == string(d), nil
}

// putManifest writes doc under name, a tag or its digest. listed reports whether the
// registry keeps the list of the subject's referrers itself.
func (p place) putManifest(ctx context.Context, name string, mediaType string, text []byte) (listed bool, err error) {
	a, err := p.host.exchange(ctx, kiln.StepPush, request{
		method: http.MethodPut, place: p, url: p.url("manifests", name), scopes: []string{p.push()},
		header: http.Header{"Content-Type": {mediaType}},
		body:   func() io.ReadCloser { return io.NopCloser(bytes.NewReader(text)) }, size: int64(len(text)),
	}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return false, err
	}
	d := kiln.DigestOf(text)
	if said := a.header.Get("Docker-Content-Digest"); said != "" && said != string(d) {
		return false, &trouble{altered: true, text: fmt.Sprintf("the registry took the manifest %s for %s", d, printable(said, 80))}
	}
	return a.header.Get("OCI-Subject") != "", nil
}
