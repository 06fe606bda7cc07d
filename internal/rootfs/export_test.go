package rootfs

import (
	"context"
	"maps"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Configuration is what a layer's packages and scripts made of the tree, before
// anything is left out of the image, and what is left out by the layer or below it.
type Configuration struct {
	Tree    *tree.Tree
	Dropped map[string]bool
}

// Configured is Assemble that tells also what each layer was before anything was
// left out.
func Configured(ctx context.Context, st *store.Store, in Input) (*Image, []Configuration, error) {
	a, err := newAssembly(st, in)
	if err != nil {
		return nil, nil, err
	}
	img, err := a.assemble(ctx)
	var all []Configuration
	dropped := map[string]bool{}
	for _, l := range a.layers {
		places := l.scripted
		for _, u := range l.units {
			places = append(places, u.places...)
		}
		for _, p := range places {
			if p.dropped != "" {
				dropped[p.entry.Path] = true
			}
		}
		all = append(all, Configuration{l.after, maps.Clone(dropped)})
	}
	return img, all, err
}

// NewMemo returns the memo of an assembly by a build of kiln.
func NewMemo(st *store.Store, build string) command.Memo {
	return &memo{store: st, build: build, sizes: map[kiln.Digest]int64{}}
}
