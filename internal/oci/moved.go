package oci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"kiln"
	"kiln/internal/store"
)

// Moved is an image that came from elsewhere, its blobs in the store.
type Moved struct {
	Entry     Descriptor   // the image, as index.json is to name it
	Name      string       // in index.json; may be empty
	Blobs     []Descriptor // all that it consists of and all that its referrers consist of, their manifests included
	Configs   []Descriptor // of its platforms, of which the newest gives an archive its time
	Referrers []Descriptor // as a list of referrers has them
}

// Index returns the image as WriteLayout and WriteLayoutTar write it: the same files
// that Index.Refer and these give where it was built.
func (m Moved) Index(st *store.Store) (Index, error) {
	ix := Index{Digest: m.Entry.Digest, Ref: m.Name, entry: m.Entry, blobs: m.Blobs, referrers: m.Referrers}
	ix.entry.Annotations = map[string]string{}
	if m.Name != "" {
		ix.entry.Annotations[annotationRef] = m.Name
	}
	for _, c := range m.Configs {
		created, err := createdOf(st, c)
		if err != nil {
			return ix, err
		}
		ix.created = max(ix.created, created)
	}
	if len(m.Referrers) == 0 {
		return ix, nil
	}
	return ix.listReferrers(st)
}

// createdOf is when the image with the configuration c was made, as it says.
func createdOf(st *store.Store, c Descriptor) (kiln.Epoch, error) {
	if c.Size > maxListed {
		return 0, nil
	}
	b, err := st.ReadAll(c.Digest)
	if err != nil {
		return 0, err
	}
	var config struct{ Created time.Time }
	if json.Unmarshal(b, &config) != nil || config.Created.Unix() < 0 { // an artifact's is no image's
		return 0, nil
	}
	return kiln.Epoch(config.Created.Unix()), nil
}

// LinkLayout makes ix a layout in the empty folder dir, for as long as the caller keeps
// that: its blobs are other names of those in the store, and nothing waits for the disk.
func LinkLayout(st *store.Store, ix Index, dir string) error {
	parts, err := ix.parts(nil)
	if err != nil {
		return err
	}
	return linkParts(st, parts, dir)
}

// LinkArtifact is LinkLayout of an artifact whose manifest is d, under the name ref.
func LinkArtifact(st *store.Store, d Descriptor, a Artifact, ref, dir string) error {
	parts, err := artifactParts(d, a, ref)
	if err != nil {
		return err
	}
	return linkParts(st, parts, dir)
}

func linkParts(st *store.Store, parts []part, dir string) (err error) {
	if err := os.MkdirAll(filepath.Join(dir, blobsFolder), 0o755); err != nil {
		return err
	}
	for _, p := range parts {
		name := filepath.Join(dir, p.name)
		if p.blob == "" {
			err = os.WriteFile(name, p.content, 0o644)
		} else {
			err = st.Link(p.blob, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
