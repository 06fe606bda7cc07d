package bake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/pack"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// Archivist is a package family as far as packs need one.
type Archivist interface {
	// Inputs brings all that the lock names of archives into the store, and lists it
	// with the archives' keys. It may use the network.
	Inputs(ctx context.Context, r *recipe.Recipe, l *lock.Lock) ([]pack.Input, error)
	// Vouch checks the signed chain of a lock whose inputs are in the store.
	Vouch(ctx context.Context, r *recipe.Recipe, l *lock.Lock) (*Chain, error)
}

// Chain is the signed chain of a lock, found right: each archive's key signed its
// Release, as of the time at which the lock judged it; that names the indexes by
// digest, and these the packages.
type Chain struct {
	Archives []ChainLink `json:"archives"`
	// LockAlone are packages that stand in no index of the lock: an earlier Release
	// vouched for them, when they were locked.
	LockAlone []string `json:"lock_alone,omitempty"`
	Local     []string `json:"local,omitempty"` // packages of the recipe's folder: the recipe's author vouches for them
}

// ChainLink is one archive pocket of a Chain.
type ChainLink struct {
	Archive  string        `json:"archive"` // "debian/trixie"
	Release  kiln.Digest   `json:"release"`
	Date     time.Time     `json:"date"`
	AsOf     time.Time     `json:"as_of"` // when the lock judged it
	Signers  []lock.Signer `json:"signers"`
	Indexes  int           `json:"indexes"`
	Packages int           `json:"packages"` // that its indexes list
}

// PackOptions are the inputs of Pack.
type PackOptions struct {
	Lock      LockOptions
	Archivist Archivist
	Store     *store.Store
	Subject   *oci.Descriptor // the image that the pack is of; may be nil
	Output    Output          // OCI or OCIArchive; the zero one: no place on this machine
	// Deliver, where it is set, takes the pack, which is in the store, elsewhere.
	Deliver func(ctx context.Context, c *pack.Contents) error
}

// PackResult is what Pack gave, in the shape that --json prints.
type PackResult struct {
	*pack.Contents
	LockFile string `json:"lock_file"`
	Chain    *Chain `json:"chain"`
	Output   Output `json:"output,omitzero"`
}

// Pack writes every input of a recipe's lock in one place. The lock is made as for
// a build. Nothing is written where an input cannot be had.
func Pack(ctx context.Context, o PackOptions) (*PackResult, error) {
	r := o.Lock.Recipe
	var outputs []Output
	if o.Output != (Output{}) {
		outputs = []Output{o.Output}
	}
	if err := (Options{Lock: o.Lock, Platforms: r.Platforms, Outputs: outputs}).check(); err != nil {
		return nil, err
	}
	locked, err := settle(ctx, o.Lock)
	if err != nil {
		return nil, err
	}
	inputs, err := o.Archivist.Inputs(ctx, r, locked.Lock)
	if err != nil {
		return nil, err
	}
	chain, err := o.Archivist.Vouch(ctx, r, locked.Lock)
	if err != nil {
		return nil, err
	}
	c, err := pack.Make(o.Store, pack.Of{Recipe: r, Lock: locked.Lock, Name: tag(r) + ".pack", Archives: inputs, Subject: o.Subject})
	if err != nil {
		return nil, err
	}
	if err := locked.save(); err != nil {
		return nil, err
	}
	if err := o.place(ctx, c); err != nil {
		return nil, err
	}
	return &PackResult{Contents: c, LockFile: locked.Path, Chain: chain, Output: o.Output}, nil
}

// place puts a pack where it is to go.
func (o PackOptions) place(ctx context.Context, c *pack.Contents) error {
	if o.Output != (Output{}) {
		job := o.Lock.Sink.Start(kiln.StepWrite, string(o.Output.Type)+":"+o.Output.Path, 0)
		write := c.Write
		if o.Output.Type == OCI {
			write = c.WriteFolder
		}
		if err := job.End(write(ctx, o.Store, o.Output.Path, job)); err != nil {
			return err
		}
	}
	if o.Deliver == nil {
		return nil
	}
	return o.Deliver(ctx, c)
}

// UnpackOptions are the inputs of Unpack.
type UnpackOptions struct {
	Archivist Archivist
	Store     *store.Store
	Path      string // of a tar, or of a layout's folder
	From      string // what messages call it; empty: Path
	TrustLock bool   // accept packages that the lock alone vouches for
	Sink      kiln.Sink
}

// Unpacked is a pack whose inputs are in the store, and whose chain was checked.
type Unpacked struct {
	*pack.Pack
	Chain *Chain
}

// Unpack reads a pack into the store, and checks its chain. Nothing that is not in
// the pack is needed, and the network is not used. The caller closes it.
func Unpack(ctx context.Context, o UnpackOptions) (*Unpacked, error) {
	o.From = cmp.Or(o.From, o.Path)
	p, err := pack.OpenFrom(ctx, o.Store, o.Path, o.From, o.Sink)
	if err != nil {
		return nil, err
	}
	chain, err := o.Archivist.Vouch(ctx, p.Recipe, p.Lock)
	switch {
	case err != nil:
		err = brokenChain(o.From, err)
	case len(chain.LockAlone) > 0 && !o.TrustLock:
		err = refuseLockAlone(p, chain.LockAlone)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return &Unpacked{Pack: p, Chain: chain}, nil
}

// brokenChain is an error of Vouch about a pack. What the archive client says to try
// is about mirrors, and no help with a pack that was made of something else.
func brokenChain(path string, err error) error {
	if kiln.CodeOf(err) != kiln.Refused {
		return fmt.Errorf("cannot use the pack %q: %w", path, err)
	}
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  fmt.Sprintf("cannot use the pack %q: %v", path, err),
		Hints: []string{"ask for it where it came from, or make it again: kiln pack RECIPE"},
	}
}

// mostNamed bounds how many packages a message names.
const mostNamed = 12

// refuseLockAlone stops a pack in which somebody changed a package and, to match, the
// lock: nothing else would tell.
func refuseLockAlone(p *pack.Pack, packages []string) error {
	text := fmt.Sprintf("cannot use the pack %q: the lock alone vouches for what no index in it lists:", p.Path)
	for i, name := range packages {
		if i == mostNamed && len(packages) > mostNamed+1 {
			text += fmt.Sprintf("\n  and %d more", len(packages)-i)
			break
		}
		text += "\n  " + name
	}
	return &kiln.Error{
		Code: kiln.Refused,
		Text: text,
		Hints: []string{
			"a lock that was moved in part keeps packages that the archive lists no more; if the lock is the one that you know, its sha256sum is " + p.Contents.Lock.Hex() + ": --trust-lock",
			"or move the whole lock, and pack again: kiln lock --update",
		},
	}
}
