package bake

import (
	"context"
	"fmt"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// Options are the inputs of Build.
type Options struct {
	Lock        LockOptions
	Store       *store.Store
	Platforms   []kiln.Platform // of the recipe; at least one
	Outputs     []Output
	Compression oci.Compression
	Owners      bool          // set owners when unpacking a folder: only root can
	Native      kiln.Platform // taken for a single-platform output when several are built
	Sink        kiln.Sink
}

// Result is what a build gave, in the shape that --json prints.
type Result struct {
	Images    []Image     `json:"images"`
	Index     kiln.Digest `json:"index"` // of the image index over all platforms
	Lock      string      `json:"lock"`  // path of the lock file
	Output    string      `json:"output"`
	Outputs   []Output    `json:"outputs"`
	ElapsedMS int64       `json:"elapsed_ms"`
}

// Image is the result for one platform.
type Image struct {
	Platform kiln.Platform `json:"platform"`
	Digest   kiln.Digest   `json:"digest"` // of the manifest
	Tree     kiln.Digest   `json:"tree"`
	Size     int64         `json:"size"` // of all layers, compressed, in bytes
	Layers   []Layer       `json:"layers"`
	Packages int           `json:"packages"`
}

// Layer is one layer of an Image.
type Layer struct {
	Name   string      `json:"name"`
	Digest kiln.Digest `json:"digest"`
	DiffID kiln.Digest `json:"diffID"`
	Size   int64       `json:"size"` // compressed, in bytes
}

// Build goes from the recipe to its outputs.
func Build(ctx context.Context, o Options) (*Result, error) {
	locked, err := Lock(ctx, o.Lock)
	if err != nil {
		return nil, err
	}
	r, l, family := o.Lock.Recipe, locked.Lock, o.Lock.Family
	for _, p := range o.Platforms {
		if l.Platforms[p] == nil {
			return nil, fmt.Errorf("bug: the lock %q has no platform %s", locked.Path, p)
		}
	}
	if err := family.Fetch(ctx, r, l, o.Platforms); err != nil {
		return nil, err
	}
	res := &Result{Lock: locked.Path}
	var images []built
	for _, p := range o.Platforms {
		root, err := family.Assemble(ctx, r, l, p)
		if err != nil {
			return nil, err
		}
		m, img, err := buildImage(ctx, o, r, p, root)
		if err != nil {
			return nil, err
		}
		images = append(images, built{p, m, root.Tree, root.Contents})
		res.Images = append(res.Images, img)
	}
	return res, writeOutputs(ctx, o, r, images, res)
}

// buildImage turns the tree of one platform into the blobs of its image.
func buildImage(ctx context.Context, o Options, r *recipe.Recipe, p kiln.Platform, root *Root) (oci.Manifest, Image, error) {
	img := Image{Platform: p, Tree: root.Tree.Digest(), Packages: root.Packages}
	var layers []oci.Layer
	for _, l := range root.Layers {
		o.Sink.Send(kiln.Event{Step: kiln.StepWrite, State: kiln.Started, Subject: "layer " + l.Name})
		b, err := oci.BuildLayer(ctx, o.Store, l, root.Contents, o.Compression)
		if err != nil {
			return oci.Manifest{}, img, err
		}
		o.Sink.Send(kiln.Event{Step: kiln.StepWrite, State: kiln.Finished, Subject: "layer " + l.Name})
		layers = append(layers, b)
		img.Layers = append(img.Layers, Layer{Name: b.Name, Digest: b.Digest, DiffID: b.DiffID, Size: b.Size})
		img.Size += b.Size
	}
	m, err := oci.Assemble(o.Store, layers, containerConfig(r, p, root), annotations(r, root.Epoch))
	img.Digest = m.Digest
	return m, img, err
}
