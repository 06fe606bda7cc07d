package bake

import (
	"encoding/json"
	"fmt"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// Beside an image stands the record of its build: the recipe and the lock that it
// was made of, and of each platform the listing of its tree, the origin of each entry, and
// what else led there: packages, scripts, accounts, what was left out. It is no part of the image, whose digests it leaves alone: a lock that only
// looked at a newer archive gives the same image, with another record.

// evidence is what a record tells of one platform's tree.
type evidence struct {
	Tree    oci.Descriptor `json:"tree"`
	Origins oci.Descriptor `json:"origins"`
	Story   oci.Descriptor `json:"story"`
	// What is told of its packages, as an inventory and as SBOMs; empty where the
	// family tells nothing.
	Inventory oci.Descriptor `json:"facts"`
	SPDX      oci.Descriptor `json:"spdx"`
	CycloneDX oci.Descriptor `json:"cyclonedx"`

	digest kiln.Digest // of the tree
}

// describe stores the listing of a root file system, and the origins of its entries.
func (o Options) describe(p kiln.Platform, root *Root) (e evidence, err error) {
	job := o.Sink.Start(kiln.StepHash, "tree of "+p.String(), 0)
	defer func() { _ = job.End(err) }()
	listing := root.Tree.Listing()
	e.digest = kiln.DigestOf(listing)
	if e.Tree, err = oci.PutCompressedFile(o.Store, oci.TitleTree(p), oci.MediaTree, listing); err != nil {
		return e, fmt.Errorf("cannot write the listing of the tree: %w", err)
	}
	origins, err := root.Tree.Origins()
	if err == nil {
		e.Origins, err = oci.PutCompressedFile(o.Store, oci.TitleOrigins(p), oci.MediaOrigins, origins)
	}
	if err != nil {
		return e, fmt.Errorf("cannot write the origins of the tree's entries: %w", err)
	}
	story := root.Story
	story.Folders = foldersOf(root.Layers, root.Tree)
	text, err := story.text(root.Units)
	if err == nil {
		e.Story, err = oci.PutCompressedFile(o.Store, oci.TitleStory(p), oci.MediaStory, text)
	}
	if err != nil {
		return e, fmt.Errorf("cannot write what led to the tree: %w", err)
	}
	return e, nil
}

// index writes the index over images, with the record of the build beside it.
func (o Options) index(r *recipe.Recipe, l *lock.Lock, images []built) (oci.Index, error) {
	var manifests []oci.Manifest
	var epoch kiln.Epoch
	for _, b := range images {
		manifests = append(manifests, b.manifest)
		epoch = max(epoch, b.manifest.Created)
	}
	ix, err := oci.WriteIndex(o.Store, manifests, tag(r), labels(r, epoch))
	if err != nil {
		return oci.Index{}, err
	}
	a, err := o.record(r, l, images)
	if err != nil {
		return oci.Index{}, fmt.Errorf("cannot write the record of the build: %w", err)
	}
	if ix, err = ix.Attach(o.Store, a); err != nil {
		return oci.Index{}, err
	}
	return o.referSBOMs(ix, images)
}

func (o Options) record(r *recipe.Recipe, l *lock.Lock, images []built) (oci.BuildRecord, error) {
	a := oci.BuildRecord{}
	doc := oci.Record{Format: lock.Format, Compression: o.Compression, Name: r.Name, Ref: tag(r)}
	put := func(title, mediaType string, b []byte) error {
		d, err := oci.PutFile(o.Store, title, mediaType, b)
		a.Files = append(a.Files, d)
		return err
	}
	if err := put(oci.TitleRecipe, oci.MediaRecipe, r.Text()); err != nil {
		return a, err
	}
	if err := put(oci.TitleLock, oci.MediaLock, l.Marshal()); err != nil {
		return a, err
	}
	for _, b := range images {
		a.Files = append(a.Files, b.evidence.Tree, b.evidence.Origins, b.evidence.Story)
		if b.evidence.Inventory.Digest != "" {
			a.Files = append(a.Files, b.evidence.Inventory)
		}
		doc.Platforms = append(doc.Platforms, oci.RecordedTree{Platform: b.image.Platform, Manifest: b.manifest.Digest, Tree: b.image.Tree})
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return a, err
	}
	a.Config, err = oci.PutFile(o.Store, "", oci.MediaRecord, text)
	return a, err
}

// blobs are the digests and sizes of the files.
func (e *evidence) blobs() []oci.Member {
	var all []oci.Member
	for _, d := range []oci.Descriptor{e.Tree, e.Origins, e.Story, e.Inventory, e.SPDX, e.CycloneDX} {
		if d.Digest != "" {
			all = append(all, oci.Member{Digest: d.Digest, Size: d.Size})
		}
	}
	return all
}
