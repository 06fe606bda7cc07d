package bake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/policy"
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
	Build       string        // names the build of kiln, whose images only it may recall; empty: none are kept
	Sink        kiln.Sink
	Now         time.Time // for policies about ages; zero: not known
	Unjudged    bool      // leave out the recipe's policies: a proof compares images, and may run in another year
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
	Platform kiln.Platform     `json:"platform"`
	Digest   kiln.Digest       `json:"digest"` // of the manifest
	Tree     kiln.Digest       `json:"tree"`
	Size     int64             `json:"size"` // of all layers, compressed, in bytes
	Layers   []Layer           `json:"layers"`
	Packages int               `json:"packages"`
	Units    []Unit            `json:"units,omitempty"`    // that packages want enabled or the recipe enables
	Findings []Finding         `json:"findings,omitempty"` // what files need and is not there
	Policies []*policy.Verdict `json:"policies,omitempty"` // what the recipe's policies say
}

// Layer is one layer of an Image.
type Layer struct {
	Name   string      `json:"name"`
	Digest kiln.Digest `json:"digest"`
	DiffID kiln.Digest `json:"diffID"`
	Size   int64       `json:"size"` // compressed, in bytes
}

// Build goes from the recipe to its outputs. A new lock is written when the
// images are made, so that a build which cannot be leaves none behind.
func Build(ctx context.Context, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r := o.Lock.Recipe
	var policies []Used
	if !o.Unjudged {
		var err error
		if policies, err = Policies(r); err != nil {
			return nil, err
		}
	}
	locked, err := settle(ctx, o.Lock)
	if err != nil {
		return nil, err
	}
	l := locked.Lock
	for _, p := range o.Platforms {
		if l.Platforms[p] == nil {
			return nil, fmt.Errorf("bug: the lock %q has no platform %s", locked.Path, p)
		}
	}
	res := &Result{Lock: locked.Path}
	images, keys, err := buildImages(ctx, o, r, l)
	defer func() {
		for _, b := range images {
			closeLayers(b.manifest.Layers)
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := o.judge(ctx, r, l, policies, images, keys); err != nil {
		return nil, err
	}
	if err := locked.save(); err != nil {
		return nil, err
	}
	for _, b := range images {
		res.Images = append(res.Images, b.image)
	}
	return res, writeOutputs(ctx, o, r, l, images, res)
}

// buildImages recalls the image of each platform, or builds it; those that are
// built, all at once. Of several errors, the first platform's is reported, beside
// the images that there are. Their layers are the caller's to close. keys are the images'
// action keys.
func buildImages(ctx context.Context, o Options, r *recipe.Recipe, l *lock.Lock) (images []built, keys []kiln.Digest, err error) {
	images, keys = make([]built, len(o.Platforms)), make([]kiln.Digest, len(o.Platforms))
	var missing []kiln.Platform
	for i, p := range o.Platforms {
		if keys[i], err = o.imageKey(r, l, p); err != nil {
			return nil, nil, err
		}
		var ok bool
		if images[i], ok = o.recall(keys[i]); !ok {
			missing = append(missing, p)
			continue
		}
		o.Sink.Send(kiln.Event{Step: kiln.StepAssemble, State: kiln.Cached, Subject: "image of " + p.String()})
	}
	if missing != nil {
		plan(o.Sink, r, l, missing)
	}
	o.Sink.Plan(kiln.StepWrite, len(r.Layers)*len(missing)+len(o.Outputs), 0)
	if missing == nil {
		return images, keys, nil
	}
	if err := o.Lock.Family.Fetch(ctx, r, l, missing); err != nil {
		return nil, nil, err
	}
	errs := make([]error, len(images))
	var group errgroup.Group
	for i, p := range o.Platforms {
		if images[i].manifest.Digest != "" {
			continue
		}
		group.Go(func() error {
			images[i], errs[i] = o.makeImage(ctx, r, l, p)
			if errs[i] == nil {
				errs[i] = o.keep(keys[i], images[i])
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, err := range errs {
		if err != nil {
			return images, keys, err
		}
	}
	return images, keys, nil
}

// makeImage makes the tree of one platform, checks it, and turns it into an image.
func (o Options) makeImage(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (built, error) {
	root, err := o.Lock.Family.Assemble(ctx, r, l, p)
	if err != nil {
		return built{}, err
	}
	found, err := o.examine(ctx, r, l, p, root)
	if err != nil {
		return built{}, err
	}
	b, err := buildImage(ctx, o, r, p, root)
	b.image.Findings = found
	return b, err
}

// closeLayers drops what was written of layers and is in no output.
func closeLayers(layers []oci.Layer) {
	for i := range layers {
		layers[i].Close()
	}
}

// mostSpools bounds how many layers of an image are written to the disk before the
// layout is, as each of these is an open file; the others are joined then.
const mostSpools = 4

// buildImage turns the tree of one platform into the blobs of its image.
func buildImage(ctx context.Context, o Options, r *recipe.Recipe, p kiln.Platform, root *Root) (_ built, err error) {
	img := Image{Platform: p, Packages: root.Packages, Units: root.Units}
	var e evidence
	var described errgroup.Group
	described.Go(func() (err error) {
		e, err = o.describe(p, root)
		return err
	})
	defer func() { _ = described.Wait() }() // whose error is looked at below
	layout := slices.ContainsFunc(o.Outputs, func(out Output) bool { return out.Type == OCI })
	options := oci.LayerOptions{Compression: o.Compression, Sink: ofPlatform(o.Sink, p)}
	var layers []oci.Layer
	defer func() {
		if err != nil {
			closeLayers(layers)
		}
	}()
	for i, l := range root.Layers {
		options.Spool = layout && i < mostSpools
		b, err := oci.BuildLayer(ctx, o.Store, l, root.Contents, options)
		if err != nil {
			return built{}, err
		}
		layers = append(layers, b)
		img.Layers = append(img.Layers, Layer{Name: b.Name, Digest: b.Digest, DiffID: b.DiffID, Size: b.Size})
		img.Size += b.Size
	}
	m, err := oci.Assemble(o.Store, layers, containerConfig(r, p, root), labels(r, root.Epoch))
	if err != nil {
		return built{}, err
	}
	if err := described.Wait(); err != nil {
		return built{}, err
	}
	img.Digest, img.Tree = m.Digest, e.digest
	return built{image: img, manifest: m, evidence: e, root: root}, nil
}
