package rootfs

import (
	"context"

	"kiln/internal/store"
	"kiln/internal/tree"
)

// Configured is Assemble that tells also what each layer's packages and scripts
// made of the tree, before anything is left out of the image.
func Configured(ctx context.Context, st *store.Store, in Input) (*Image, []*tree.Tree, error) {
	a, err := newAssembly(st, in)
	if err != nil {
		return nil, nil, err
	}
	img, err := a.assemble(ctx)
	var after []*tree.Tree
	for _, l := range a.layers {
		after = append(after, l.after)
	}
	return img, after, err
}
