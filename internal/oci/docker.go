package oci

import (
	"context"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/store"
)

// dockerManifest is an entry of the manifest.json that "docker save" writes and
// "docker load" reads, as docker's image specification v1.2 says.
type dockerManifest struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// WriteDockerArchive writes ix, of one platform, as a tar for "docker load" and
// "podman load", under the name tag, such as "web:1.4.0". It is an OCI image layout as
// well, as docker 25 and later write it. Its layers must be gzip: docker 20.10 reads
// no zstd.
func WriteDockerArchive(ctx context.Context, st *store.Store, ix Index, tag, file string, job *kiln.Job) error {
	if len(ix.Manifests) != 1 {
		return &kiln.Error{Code: kiln.Bug, Text: fmt.Sprintf("bug: a docker archive of %d platforms", len(ix.Manifests))}
	}
	m := &ix.Manifests[0]
	var layers []kiln.Digest
	for _, l := range m.Layers {
		if l.MediaType != Gzip.mediaType() {
			return refuseDocker(file)
		}
		layers = append(layers, l.Digest)
	}
	list, err := dockerList(m.Config.Digest, layers, tag)
	if err != nil {
		return err
	}
	ix = ix.keeping(st, file)
	parts, err := ix.parts(dockerAnnotations(tag))
	if err != nil {
		return err
	}
	parts = append(parts, document(dockerFile, list))
	return writeArchive(ctx, st, "docker-archive", parts, m.Created, file, job)
}

// dockerFile is the list of a docker archive's images.
const dockerFile = "manifest.json"

func dockerList(config kiln.Digest, layers []kiln.Digest, tag string) ([]byte, error) {
	doc := dockerManifest{Config: blobName(config), RepoTags: []string{tag}, Layers: []string{}}
	for _, l := range layers {
		doc.Layers = append(doc.Layers, blobName(l))
	}
	return marshal([]dockerManifest{doc})
}

// dockerAnnotations are those at the entry of index.json by which engines find the
// image's name.
func dockerAnnotations(tag string) map[string]string {
	return map[string]string{annotationName: tag, annotationRef: tag[strings.LastIndex(tag, ":")+1:]}
}

// CheckDockerArchive is CheckFile for WriteDockerArchive of layers in comp.
func CheckDockerArchive(file string, comp Compression) error {
	if comp.mediaType() != Gzip.mediaType() {
		return refuseDocker(file)
	}
	return CheckFile(file)
}

func refuseDocker(file string) error {
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot write the docker archive %q: a layer is not compressed with gzip, and not every docker reads another", file),
		Hints: []string{"--compression gzip", "-o oci-archive:" + file},
	}
}
