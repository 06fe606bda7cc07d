package bake

import (
	"cmp"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"

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

// describe stores the listing of a root file system, the origins of its entries, and what
// led to it.
func (o Options) describe(docs oci.Putter, p kiln.Platform, root *Root) (e evidence, err error) {
	job := o.Sink.Start(kiln.StepHash, "tree of "+p.String(), 0)
	var group errgroup.Group
	group.Go(func() (err error) {
		listing := root.Tree.Listing()
		e.digest = kiln.DigestOf(listing)
		if e.Tree, err = oci.PutCompressedFile(docs, oci.TitleTree(p), oci.MediaTree, listing); err != nil {
			err = fmt.Errorf("cannot write the listing of the tree: %w", err)
		}
		return err
	})
	group.Go(func() error {
		origins, err := root.Tree.Origins()
		if err == nil {
			e.Origins, err = oci.PutCompressedFile(docs, oci.TitleOrigins(p), oci.MediaOrigins, origins)
		}
		if err != nil {
			err = fmt.Errorf("cannot write the origins of the tree's entries: %w", err)
		}
		return err
	})
	group.Go(func() error {
		story := root.Story
		story.Folders = foldersOf(root.Layers, root.Tree)
		text, err := story.text(root.Units)
		if err == nil {
			e.Story, err = oci.PutCompressedFile(docs, oci.TitleStory(p), oci.MediaStory, text)
		}
		if err != nil {
			err = fmt.Errorf("cannot write what led to the tree: %w", err)
		}
		return err
	})
	err = job.End(group.Wait())
	return e, err
}

// index writes the index over images, with the record of the build beside it.
func (o Options) index(r *recipe.Recipe, l *lock.Lock, images []built) (oci.Index, error) {
	docs := o.Store.Batch()
	ix, err := o.indexIn(docs, r, l, images)
	return ix, cmp.Or(err, docs.Wait())
}

func (o Options) indexIn(docs oci.Putter, r *recipe.Recipe, l *lock.Lock, images []built) (oci.Index, error) {
	var manifests []oci.Manifest
	var epoch kiln.Epoch
	for _, b := range images {
		manifests = append(manifests, b.manifest)
		epoch = max(epoch, b.manifest.Created)
	}
	ix, err := oci.WriteIndex(docs, manifests, tag(r), labels(r, epoch))
	if err != nil {
		return oci.Index{}, err
	}
	a, err := o.record(docs, r, l, images)
	if err != nil {
		return oci.Index{}, fmt.Errorf("cannot write the record of the build: %w", err)
	}
	if ix, err = ix.Attach(docs, a); err != nil {
		return oci.Index{}, err
	}
	return referSBOMs(docs, ix, images)
}

func (o Options) record(docs oci.Putter, r *recipe.Recipe, l *lock.Lock, images []built) (oci.BuildRecord, error) {
	a := oci.BuildRecord{}
	doc := oci.Record{Format: lock.Format, Compression: o.Compression, Name: r.Name, Ref: tag(r)}
	put := func(title, mediaType string, b []byte) error {
		d, err := oci.PutFile(docs, title, mediaType, b)
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
	a.Config, err = oci.PutFile(docs, "", oci.MediaRecord, text)
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
