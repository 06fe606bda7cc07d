package image

import (
	"encoding/json"
	"fmt"
	"strings"

	"kiln"
)

// The files of a layout, as the specification's image-layout.md says.
const (
	layoutFile = "oci-layout"
	indexFile  = "index.json"
)

// maxDocument bounds manifests, indexes and configurations: what registries take.
const maxDocument = 4 << 20

// maxLayers is far above what engines take (127).
const maxLayers = 1000

// The media types of what is read here, of the OCI specification and of docker.
const (
	mediaIndex       = "application/vnd.oci.image.index.v1+json"
	mediaList        = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaManifest    = "application/vnd.oci.image.manifest.v1+json"
	mediaManifestV2  = "application/vnd.docker.distribution.manifest.v2+json"
	annotationRef    = "org.opencontainers.image.ref.name"
	annotationDocker = "io.containerd.image.name"
)

// descriptor points at a blob, as the specification's descriptor.md says.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
	Platform    *kilnPlatform     `json:"platform"`
}

// kilnPlatform is kiln.Platform where any value may stand.
type kilnPlatform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

func (p *kilnPlatform) platform() kiln.Platform {
	if p == nil {
		return kiln.Platform{}
	}
	return kiln.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
}

type index struct {
	MediaType string       `json:"mediaType"`
	Manifests []descriptor `json:"manifests"`
}

type manifest struct {
	MediaType   string            `json:"mediaType"`
	Config      descriptor        `json:"config"`
	Layers      []descriptor      `json:"layers"`
	Annotations map[string]string `json:"annotations"`
}

// layout reads an OCI image layout.
func (r *reader) layout(s source, ref Reference) error {
	top, err := r.layoutFiles(s)
	if err != nil {
		return err
	}
	r.document("index.json", "", top)
	d, err := r.choose(s, top, ref.Name, 0)
	if err != nil {
		return err
	}
	return r.manifest(s, d)
}

// layoutFiles reads the files of a layout that have a name, and returns index.json.
func (r *reader) layoutFiles(s source) ([]byte, error) {
	text, err := document(s, layoutFile, "", maxDocument)
	if err != nil {
		return nil, err
	}
	r.document(layoutFile, "", text)
	return document(s, indexFile, "", maxDocument)
}

// document keeps a document of the image.
func (r *reader) document(name string, digest kiln.Digest, text []byte) {
	r.img.Documents = append(r.img.Documents, Document{Name: name, Digest: digest, Text: text})
}

// blobOf checks a descriptor and returns the name of its blob.
func blobOf(d descriptor) (string, kiln.Digest, error) {
	digest, err := kiln.ParseDigest(d.Digest)
	if err != nil {
		return "", "", refused("%v", err)
	}
	if d.Size < 0 {
		return "", "", refused("the blob %s has the size %d", digest, d.Size)
	}
	return "blobs/sha256/" + digest.Hex(), digest, nil
}

// choose finds the manifest of the wanted platform in an index, which may name
// further indexes.
func (r *reader) choose(s source, text []byte, name string, depth int) (descriptor, error) {
	var ix index
	if err := json.Unmarshal(text, &ix); err != nil {
		return descriptor{}, refused("an index is no JSON: %v", err)
	}
	if depth > 4 {
		return descriptor{}, refused("its indexes lie too deep in each other")
	}
	var found []descriptor
	for _, d := range ix.Manifests {
		if d.Platform != nil && d.Platform.OS == "unknown" || d.Annotations["vnd.docker.reference.type"] != "" {
			continue // attestations of a manifest beside it
		}
		if name == "" || d.Annotations[annotationRef] == name || d.Annotations[annotationDocker] == name {
			found = append(found, d)
		}
	}
	d, err := r.ofPlatform(found, name)
	if err != nil {
		return d, err
	}
	if depth == 0 {
		if err := r.beside(s, d); err != nil {
			return d, err
		}
	}
	switch d.MediaType {
	case mediaManifest, mediaManifestV2:
		return d, nil
	case mediaIndex, mediaList:
	default:
		return d, refused("it holds %q, which is no image", d.MediaType)
	}
	file, digest, err := blobOf(d)
	if err != nil {
		return d, err
	}
	if text, err = document(s, file, digest, maxDocument); err != nil {
		return d, fmt.Errorf("the image index: %w", err)
	}
	r.document("image index", digest, text)
	return r.choose(s, text, "", depth+1)
}

// ofPlatform takes the only one, or the one for the wanted platform.
func (r *reader) ofPlatform(found []descriptor, name string) (descriptor, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	want := r.o.Platform
	if want == (kiln.Platform{}) {
		want = r.o.Native
	}
	var match []descriptor
	var have []string
	for _, d := range found {
		p := d.Platform.platform()
		if samePlatform(p, want) {
			match = append(match, d)
		}
		switch {
		case d.Annotations[annotationRef] != "" && p == (kiln.Platform{}):
			have = append(have, d.Annotations[annotationRef])
		default:
			have = append(have, p.String())
		}
	}
	switch {
	case len(match) == 1:
		return match[0], nil
	case len(found) == 0 && name != "":
		return descriptor{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no image in it is called %q", name), Hints: []string{"leave the name out, where there is one image only"}}
	case len(found) == 0:
		return descriptor{}, refused("it holds no image")
	}
	return descriptor{}, &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("it holds %d images: %s", len(found), strings.Join(have, ", ")),
		Hints: []string{"name a platform: --platform " + have[0], "or name one by its tag: PATH:TAG"},
	}
}

// samePlatform takes a variant that one of the two leaves out for the other's.
func samePlatform(a, b kiln.Platform) bool {
	return a.OS == b.OS && a.Architecture == b.Architecture && (a.Variant == b.Variant || a.Variant == "" || b.Variant == "")
}

// manifest reads the image that d points at.
func (r *reader) manifest(s source, d descriptor) error {
	file, digest, err := blobOf(d)
	if err != nil {
		return err
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return fmt.Errorf("the manifest: %w", err)
	}
	r.document("manifest", digest, text)
	if int64(len(text)) != d.Size {
		return refused("the manifest has %d bytes, not %d", len(text), d.Size)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return refused("the manifest is no JSON: %v", err)
	}
	if file, digest, err = blobOf(m.Config); err != nil {
		return err
	}
	if text, err = document(s, file, digest, maxDocument); err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	r.document("configuration", digest, text)
	r.img.Digest, r.img.Annotations = kiln.Digest(d.Digest), m.Annotations
	var blobs []blob
	for _, l := range m.Layers {
		name, digest, err := blobOf(l)
		if err != nil {
			return err
		}
		blobs = append(blobs, blob{name: name, digest: digest, size: l.Size})
	}
	return r.configured(s, text, blobs)
}

// LayoutDigest is the digest of what the layout in a folder names, by that name alone.
func LayoutDigest(ref Reference) (kiln.Digest, error) {
	s, err := openFolderSource(ref.Path)
	if err != nil {
		return "", readProblem(ref, err)
	}
	defer s.close()
	text, err := document(s, indexFile, "", maxDocument)
	if err != nil {
		return "", readProblem(ref, err)
	}
	var ix index
	if err := json.Unmarshal(text, &ix); err != nil {
		return "", readProblem(ref, refused("%s is no JSON: %v", indexFile, err))
	}
	for _, d := range ix.Manifests {
		if len(ix.Manifests) == 1 || d.Annotations[annotationRef] == ref.Name {
			return kiln.Digest(d.Digest), nil
		}
	}
	return "", readProblem(ref, refused("it holds no image of that name"))
}
