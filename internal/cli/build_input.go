package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// buildInput is what kiln build builds from: a recipe and its lock, or a pack.
type buildInput struct {
	options bake.Options
	pack    *bake.Unpacked // nil: a recipe
	whole   bool           // all platforms, and layers as they are by default
}

func (in *buildInput) close() {
	if in.pack != nil {
		in.pack.Close()
	}
	in.options.Store.Close()
}

// check refuses what means nothing for a pack.
func (f buildFlags) check(cmd *cobra.Command, args []string) error {
	switch {
	case f.pack == "" && f.trustLock:
		return &kiln.Error{Code: kiln.Usage, Text: "--trust-lock is about the lock of a pack: want --pack as well", Hints: []string{"kiln build --help"}}
	case f.pack == "":
		return nil
	}
	if len(args) > 0 {
		return packUsage(fmt.Sprintf("a pack has its recipe in it: want --pack %s or the recipe %q, not both", f.pack, args[0]), f.pack)
	}
	for _, name := range []string{"mirror", "at"} {
		if cmd.Flags().Changed(name) {
			return packUsage(fmt.Sprintf("a pack has its lock and its packages in it: --%s means nothing with --pack", name), f.pack)
		}
	}
	return nil
}

func packUsage(text, file string) error {
	return &kiln.Error{Code: kiln.Usage, Text: text, Hints: []string{"kiln build --pack " + file, "kiln build --help"}}
}

// input opens what the flags name, with the store to build in.
func (a *app) input(ctx context.Context, path string, f buildFlags) (*buildInput, error) {
	if f.pack != "" {
		return a.packInput(ctx, f)
	}
	r, err := recipe.Load(path)
	if err != nil {
		return nil, err
	}
	o, err := a.bakeOptions(r, f)
	if err != nil {
		return nil, err
	}
	update, err := f.source.update()
	if err != nil {
		return nil, err
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return nil, err
	}
	o.Store, o.Build = st, family.Build
	if f.verifyCache {
		if err := distrust(ctx, family, r); err != nil {
			st.Close()
			return nil, err
		}
	}
	o.Lock = bake.LockOptions{Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink}
	return &buildInput{options: o}, nil
}

// packInput is input out of a pack.
func (a *app) packInput(ctx context.Context, f buildFlags) (_ *buildInput, err error) {
	family, st, err := a.family(f.source)
	if err != nil {
		return nil, err
	}
	in := &buildInput{options: bake.Options{Store: st}}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	if f.verifyCache {
		st.Redo() // of what the pack holds all is read again in any case
	}
	path, done, err := a.packPath(ctx, st, f.pack)
	if err != nil {
		return nil, err
	}
	defer done()
	if in.pack, err = bake.Unpack(ctx, bake.UnpackOptions{
		Archivist: family, Store: st, Path: path, From: layoutPath(f.pack), TrustLock: f.trustLock, Sink: a.ui.sink,
	}); err != nil {
		return nil, err
	}
	o, err := a.bakeOptions(in.pack.Recipe, f)
	if err != nil {
		return nil, err
	}
	o.Store, o.Build = st, family.Build
	o.Lock = bake.LockOptions{Family: family, Recipe: in.pack.Recipe, Path: in.pack.Path, Given: in.pack.Lock, Locked: true, Sink: a.ui.sink}
	in.options = o
	in.whole = len(o.Platforms) == len(in.pack.Recipe.Platforms) && f.compression == defaultCompression
	return in, nil
}

// defaultCompression is that of layers where none is named.
const defaultCompression = "gzip"

// bakeOptions are the flags that say what to make of a recipe.
func (a *app) bakeOptions(r *recipe.Recipe, f buildFlags) (o bake.Options, err error) {
	if o.Compression, err = oci.ParseCompression(f.compression); err != nil {
		return o, &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{"--compression gzip", "--compression zstd"}}
	}
	if o.Platforms, err = choosePlatforms(r, f.platforms); err != nil {
		return o, err
	}
	if o.Outputs, err = parseOutputs(f.outputs, r); err != nil {
		return o, err
	}
	fitOpenFiles(len(o.Platforms))
	o.Native, o.Owners, o.Tool, o.Sink, o.Now = nativePlatform(), os.Geteuid() == 0, tool(), a.ui.sink, a.world.Now()
	return o, nil
}

// anotherImage tells that what was built is not the image that the pack is of; it
// is empty where it is, or where the pack names none.
func (in *buildInput) anotherImage(res *bake.Result) string {
	if in.pack == nil || in.pack.Subject == nil || !in.whole {
		return ""
	}
	got := res.Index
	if len(res.Images) == 1 {
		got = res.Images[0].Digest
	}
	if got == in.pack.Subject.Digest {
		return ""
	}
	return fmt.Sprintf("the pack %q is of the image %s, and what was built is %s", in.pack.Path, in.pack.Subject.Digest, got)
}

// layoutPath takes off a word that says what is there: that is seen.
func layoutPath(arg string) string {
	kind, path, ok := strings.Cut(arg, ":")
	if ok && path != "" && slices.Contains([]bake.OutputType{bake.OCI, bake.OCIArchive}, bake.OutputType(kind)) {
		return path
	}
	return arg
}
