// Package debian is the Debian package family: the one place where the archive
// client, the resolver, the formats and the root file system meet. It offers what
// bake.Family asks for, and nothing else knows that images are made of .debs.
package debian

import (
	"context"
	"io/fs"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/deb"
	"kiln/internal/lock"
	"kiln/internal/patience"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/sbom"
	"kiln/internal/store"
)

// Family carries out the steps of a bake with Debian packages.
type Family struct {
	Store   *store.Store
	Mirrors apt.MirrorOptions // where to look for mirrors, asked only when the network is needed
	Retry   patience.Policy   // how patient to be with them
	Now     func() time.Time
	Build   string            // names the build of kiln: what it kept of configuring is its own
	Files   func(fs.FS) fs.FS // how the recipe's folder is seen; nil: as it is
	Sink    kiln.Sink
}

var _ bake.Family = (*Family)(nil)

// Assemble implements bake.Family.
func (f *Family) Assemble(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, made bake.Made, early bake.Early) (*bake.Root, error) {
	img, err := f.assemble(ctx, r, l, p, rootfs.Input{Early: early, Stages: made})
	if err != nil {
		return nil, err
	}
	root := rootOf(img)
	root.Inventory = func(ctx context.Context) ([]sbom.Package, []sbom.Text, error) {
		return inventory(ctx, f.Store, img, l, p)
	}
	return root, nil
}

func (f *Family) assemble(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, in rootfs.Input) (*rootfs.Image, error) {
	folder, err := r.Root()
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	files := folder.FS()
	if f.Files != nil {
		files = f.Files(files)
	}
	arch, err := deb.Architecture(p)
	if err != nil {
		return nil, err
	}
	in.Platform, in.Recipe, in.Files, in.Build, in.Sink = p, extended(r, p), files, f.Build, f.Sink
	image, _ := split(l.Platforms[p], arch)
	if in.Packages, err = unpacked(image); err != nil {
		return nil, err
	}
	return rootfs.Assemble(ctx, f.Store, in)
}

func rootOf(img *rootfs.Image) *bake.Root {
	root := &bake.Root{
		Layers:   img.Layers,
		Tree:     img.Tree,
		Contents: img.Contents,
		Epoch:    img.Epoch,
		User:     img.User,
		Story:    storyOf(img),
		Linkage:  img.Linkage,
	}
	for _, u := range img.Units {
		root.Units = append(root.Units, bake.Unit(u))
	}
	return root
}
