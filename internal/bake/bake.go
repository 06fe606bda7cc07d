// Package bake orders the steps from a recipe to an image. It is the only place
// that does, and it knows of no package family: what a family must offer is
// Family. A bake is a plain function of its options, so that a command line or a
// worker can call it alike.
package bake

import (
	"context"
	"time"

	"kiln"
	"kiln/internal/facts"
	"kiln/internal/linkage"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
	"kiln/internal/tree"
)

// Family is a package family, such as Debian's, as far as bake needs one.
type Family interface {
	// Lock resolves what the recipe wants. With an old lock it keeps what still
	// holds, as Update says. It may use the network.
	Lock(ctx context.Context, r *recipe.Recipe, old *lock.Lock, u Update) (*lock.Lock, error)
	// Fetch brings every package of the platforms into the store, checked
	// against the lock. It may use the network.
	Fetch(ctx context.Context, r *recipe.Recipe, l *lock.Lock, platforms []kiln.Platform) error
	// Assemble makes the tree of one platform, layer by layer, from the store. early,
	// which may be nil, is told of what members will most likely be, as soon as that can be known.
	Assemble(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, early Early) (*Root, error)
	// Explain does what Assemble does, and tells what led to the tree. Beside an
	// error there may be an Explanation that has Packages alone.
	Explain(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (*Explanation, error)
	// Boot is the tree with the packages over it that only what boots is made of: what an
	// initrd is picked from, and what the firmware starts.
	Boot(ctx context.Context, l *lock.Lock, p kiln.Platform, root *Root) (*tree.Tree, tree.Contents, error)
	// Facts tells what policies ask of an image.
	Facts(s Subject) (*facts.Facts, error)
}

// Early is told of a member of a layer while the tree is still being made, with the
// content of its files, which may be read by another goroutine. In the end the member may be another one.
type Early func(layer string, m tree.Member, c tree.Contents)

// Update says how far a new lock may move from the old one.
type Update struct {
	All      bool      // to what the archives hold now
	Packages []string  // these to what the archives hold now, the rest pinned
	At       time.Time // judge signatures and validity as of this time; zero: now
	Doubt    bool      // of the old lock, believe only what its signed archive states bear out
}

// moves tells whether u asks for anything newer than what is locked.
func (u Update) moves() bool { return u.All || len(u.Packages) > 0 }

// Root is one platform's root file system.
type Root struct {
	Layers   []tree.Layer
	Tree     *tree.Tree
	Contents tree.Contents
	Epoch    kiln.Epoch
	User     string // container.user with its names resolved to numbers: "65532:65532"
	Units    []Unit // by name
	Story
	// Linkage tells what a content says as an ELF file, where that is known without a
	// look into it: f is nil for no ELF file. It may be nil.
	Linkage func(content kiln.Digest) (f *linkage.File, known bool)
	// Inventory tells what the packages are, and of their licences those texts that
	// are not on SPDX's list. It may be nil: then the image has no SBOM.
	Inventory func(ctx context.Context) ([]sbom.Package, []sbom.Text, error)
}
