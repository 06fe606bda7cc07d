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
	// Assemble makes the tree of one platform, layer by layer, from the store.
	Assemble(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (*Root, error)
	// Explain does what Assemble does, and tells what led to the tree. Beside an
	// error there may be an Explanation that has Packages alone.
	Explain(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (*Explanation, error)
	// Facts tells what policies ask of an image.
	Facts(s Subject) (*facts.Facts, error)
}

// Update says how far a new lock may move from the old one.
type Update struct {
	All      bool      // to what the archives hold now
	Packages []string  // these to what the archives hold now, the rest pinned
	At       time.Time // judge signatures and validity as of this time; zero: now
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
	Packages int
	Units    []Unit // by name
	// Linkage tells what a content says as an ELF file, where that is known without a
	// look into it: f is nil for no ELF file. It may be nil.
	Linkage func(content kiln.Digest) (f *linkage.File, known bool)
}
