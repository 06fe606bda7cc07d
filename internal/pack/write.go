package pack

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// Of is what a pack is made of.
type Of struct {
	Recipe   *recipe.Recipe
	Lock     *lock.Lock
	Name     string          // in a layout's index.json
	Archives []Input         // what the lock names of archives, and their keys; in the store
	Subject  *oci.Descriptor // the image that the pack is of; nil: it names none
}

// Make makes a pack's manifest in the store, beside all that it names. It refuses
// inputs that are not just what the lock names.
func Make(st *store.Store, of Of) (*Contents, error) {
	own, err := recipeInputs(st, of.Recipe)
	if err != nil {
		return nil, err
	}
	inputs, err := arrange(append(own, of.Archives...))
	if err != nil {
		return nil, fmt.Errorf("cannot make the pack: %w", err)
	}
	if err := checkInputs(of.Lock, inputs); err != nil {
		return nil, fmt.Errorf("bug: cannot make the pack: %w", err)
	}
	text := of.Lock.Marshal()
	d, n, err := st.PutBytes(text)
	if err != nil {
		return nil, err
	}
	a := oci.Artifact{
		Type:        Type,
		Config:      oci.Descriptor{MediaType: lockType, Digest: d, Size: n, Annotations: map[string]string{annotationTitle: lock.FileName}},
		Blobs:       []oci.Descriptor{},
		Annotations: annotations(of),
	}
	if s := of.Subject; s != nil {
		a.Subject = &oci.Descriptor{MediaType: s.MediaType, Digest: s.Digest, Size: s.Size}
	}
	for _, in := range inputs {
		a.Blobs = append(a.Blobs, oci.Descriptor{
			MediaType: in.Kind.mediaType(), Digest: in.Digest, Size: in.Size, Annotations: map[string]string{annotationTitle: in.Title},
		})
	}
	manifest, err := oci.PutArtifact(st, a)
	if err != nil {
		return nil, err
	}
	return contentsOf(manifest, a, inputs), nil
}

// annotations name the pack. Its time is that of the newest Release: what the
// pack says is as old as that.
func annotations(of Of) map[string]string {
	a := map[string]string{
		annotationTitle:                    of.Recipe.Name + " pack",
		"org.opencontainers.image.created": created(of.Lock).Time().Format(time.RFC3339),
		annotationName:                     of.Name,
	}
	if of.Recipe.Version != "" {
		a["org.opencontainers.image.version"] = of.Recipe.Version
	}
	return a
}

// annotationName is where the manifest keeps the name that index.json has.
const annotationName = "org.opencontainers.image.ref.name"

// created is the time of the newest Release of a lock, or the epoch's beginning.
func created(l *lock.Lock) kiln.Epoch {
	var newest kiln.Epoch
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			newest = max(newest, kiln.Epoch(p.Date.Unix()))
		}
	}
	return newest
}

// contentsOf sums up a pack.
func contentsOf(manifest oci.Descriptor, a oci.Artifact, inputs []Input) *Contents {
	c := &Contents{
		Digest: manifest.Digest, Lock: a.Config.Digest, Subject: a.Subject,
		Size: manifest.Size + a.Config.Size, Inputs: inputs, manifest: manifest, artifact: a,
	}
	seen := map[kiln.Digest]bool{}
	for _, in := range inputs {
		if !seen[in.Digest] {
			seen[in.Digest] = true
			c.Size += in.Size
		}
	}
	return c
}

// Write writes the pack as one tar file.
func (c *Contents) Write(ctx context.Context, st *store.Store, file string, job *kiln.Job) error {
	at, err := time.Parse(time.RFC3339, c.artifact.Annotations["org.opencontainers.image.created"])
	if err != nil {
		return fmt.Errorf("bug: the pack has no time: %w", err)
	}
	return oci.WriteArtifactTar(ctx, st, c.manifest, c.artifact, c.artifact.Annotations[annotationName], kiln.Epoch(at.Unix()), file, job)
}

// WriteFolder writes the pack as an image layout in a folder.
func (c *Contents) WriteFolder(ctx context.Context, st *store.Store, dir string, job *kiln.Job) error {
	return oci.WriteArtifact(ctx, st, c.manifest, c.artifact, c.artifact.Annotations[annotationName], dir, job)
}

// asWritten tells whether index.json is as Write writes it.
func (c *Contents) asWritten(index []byte) bool {
	d := c.manifest
	d.ArtifactType, d.Annotations = Type, nil
	want, err := oci.ArtifactIndex(d, c.artifact.Annotations[annotationName])
	return err == nil && bytes.Equal(want, index)
}
