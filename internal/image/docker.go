package image

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
)

// dockerFile lists the images of the archive that "docker save" writes (docker's
// image specification v1.2).
const dockerFile = "manifest.json"

type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// docker reads a docker archive. Its list has no digests; but the name of the
// configuration is its digest, and that has those of the layers' tars.
func (r *reader) docker(s source, layout bool, ref Reference) error {
	text, err := document(s, dockerFile, "", maxDocument)
	if err != nil {
		return err
	}
	r.document(dockerFile, "", text)
	var all []dockerImage
	if err := json.Unmarshal(text, &all); err != nil {
		return refused("%s is no JSON: %v", dockerFile, err)
	}
	m, err := chooseDocker(all, ref.Name)
	if err != nil {
		return err
	}
	hex := strings.TrimSuffix(path.Base(m.Config), ".json")
	digest, err := kiln.DigestFromHex(hex)
	if err != nil {
		return refused("the configuration %q is not called by its digest", m.Config)
	}
	if text, err = document(s, m.Config, digest, maxDocument); err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	r.document("configuration", digest, text)
	if layout {
		if err := r.dockerDigest(s, m.Config); err != nil {
			return err
		}
	}
	var blobs []blob
	for _, name := range m.Layers {
		b := blob{name: name, size: -1}
		if path.Dir(name) == "blobs/sha256" {
			if b.digest, err = kiln.DigestFromHex(path.Base(name)); err != nil {
				return refused("the layer %q is not called by its digest", name)
			}
		}
		blobs = append(blobs, b)
	}
	return r.configured(s, text, blobs)
}

func chooseDocker(all []dockerImage, name string) (dockerImage, error) {
	var names []string
	for _, m := range all {
		if name != "" && slices.Contains(m.RepoTags, name) {
			return m, nil
		}
		names = append(names, m.RepoTags...)
	}
	switch {
	case len(all) == 1 && name == "":
		return all[0], nil
	case len(all) == 0:
		return dockerImage{}, refused("it holds no image")
	case name == "":
		return dockerImage{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("it holds %d images: %s", len(all), strings.Join(names, ", ")), Hints: []string{"name one: docker-archive:PATH:NAME"}}
	}
	return dockerImage{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no image in it is called %q, but %s", name, strings.Join(names, ", ")), Hints: []string{"name one of these"}}
}

// dockerDigest finds the digest of the manifest where the archive is a layout as
// well, as kiln and docker since 25 write it: of the manifest with that configuration.
func (r *reader) dockerDigest(s source, config string) error {
	text, err := r.layoutFiles(s)
	if err != nil {
		return err
	}
	r.document("index.json", "", text)
	var ix index
	if err := json.Unmarshal(text, &ix); err != nil {
		return refused("%s is no JSON: %v", indexFile, err)
	}
	for _, d := range ix.Manifests {
		file, digest, err := blobOf(d)
		if err != nil || d.MediaType != mediaManifest && d.MediaType != mediaManifestV2 {
			continue
		}
		if text, err = document(s, file, digest, maxDocument); err != nil {
			return err
		}
		var m manifest
		if json.Unmarshal(text, &m) != nil || !strings.HasSuffix(m.Config.Digest, ":"+path.Base(config)) {
			continue
		}
		r.img.Digest, r.img.Annotations = digest, m.Annotations
		r.document("manifest", digest, text)
		if err := r.beside(s, d); err != nil {
			return err
		}
	}
	return nil
}
