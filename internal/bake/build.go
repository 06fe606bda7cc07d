package bake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/policy"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
	"kiln/internal/store"
	"kiln/internal/system"
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
	Tool        string        // kiln with its version, as SBOMs name what made them: "kiln-1.4"
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
	Secrets  []Secret          `json:"secrets,omitempty"`  // that the recipe accepts, masked
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
	o.Sink.Plan(kiln.StepWrite, layersOf(r)*len(missing)+len(o.Outputs), 0)
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
	made, err := o.Lock.stages(ctx, r, l, p)
	if err != nil {
		return built{}, err
	}
	a := o.goAhead(ctx, r, l, p)
	defer a.close()
	root, err := o.Lock.Family.Assemble(ctx, r, l, p, made, a.early(ctx))
	if err != nil {
		return built{}, err
	}
	if r.Boots() {
		if err := system.Check(root.Tree, root.Contents, r); err != nil {
			return built{}, err
		}
	}
	// Most trees are sound: their layers need not wait until that is known.
	root.Tree.Settle() // so that several may read it
	examined := make(chan error, 1)
	var found []Finding
	var accepted []Secret
	checking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		job := o.Sink.Start(kiln.StepCheck, "files of "+p.String(), 0)
		var err error
		if found, err = o.examine(ctx, r, l, p, root); err == nil {
			accepted, err = o.search(ctx, r, l, p, root)
		}
		if job.End(err) != nil {
			stop(err)
		}
		examined <- err
	}()
	b, err := buildImage(checking, o, r, p, root, a)
	if unsound := <-examined; unsound != nil {
		closeLayers(b.manifest.Layers)
		return built{}, unsound
	}
	b.image.Findings, b.image.Secrets = found, accepted
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
func buildImage(ctx context.Context, o Options, r *recipe.Recipe, p kiln.Platform, root *Root, a *ahead) (_ built, err error) {
	img := Image{Platform: p, Packages: len(root.Packages), Units: root.Units}
	docs := o.Store.Batch()
	defer func() { err = cmp.Or(err, docs.Wait()) }()
	var e evidence
	var described errgroup.Group
	described.Go(func() (err error) {
		e, err = o.describe(docs, p, root)
		return err
	})
	var inventory *sbom.Inventory
	described.Go(func() (err error) {
		inventory, err = o.inventory(ctx, r, p, root)
		return err
	})
	defer func() { _ = described.Wait() }() // whose error is looked at below
	a.compressor.Stop()
	layers, err := buildLayers(ctx, o, r, p, root, a)
	defer func() {
		if err != nil {
			closeLayers(layers)
		}
	}()
	if err != nil {
		return built{}, err
	}
	for _, b := range layers {
		img.Layers = append(img.Layers, Layer{Name: b.Name, Digest: b.Digest, DiffID: b.DiffID, Size: b.Size})
		img.Size += b.Size
	}
	m, err := oci.Assemble(docs, layers, containerConfig(r, p, root), labels(r, root.Epoch))
	if err != nil {
		return built{}, err
	}
	if err := described.Wait(); err != nil {
		return built{}, err
	}
	if err := writeSBOMs(docs, &e, inventory, m); err != nil {
		return built{}, err
	}
	img.Digest, img.Tree = m.Digest, e.digest
	return built{image: img, manifest: m, evidence: e, root: root}, nil
}

// buildLayers turns the root's layers into blobs. Beside an error are those that there are.
func buildLayers(ctx context.Context, o Options, r *recipe.Recipe, p kiln.Platform, root *Root, a *ahead) (layers []oci.Layer, err error) {
	for _, l := range root.Layers {
		options, ok := a.layers[l.Name]
		if !ok { // one that the recipe does not name
			options = o.ofLayer(r, p, l.Name)
		}
		b, err := oci.BuildLayer(ctx, o.Store, l, root.Contents, options)
		if err != nil {
			return layers, err
		}
		layers = append(layers, b)
	}
	return layers, nil
}
