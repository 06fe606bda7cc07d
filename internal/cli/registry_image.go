package cli

import (
	"context"
	"strings"

	"kiln/internal/image"
	"kiln/internal/pack"
	"kiln/internal/registry"
)

// imageRef reads an argument that names an image. One of a registry is fetched into the
// store, checked, and read as the layout that it was pushed from. done drops that.
func (a *app) imageRef(ctx context.Context, arg string) (ref image.Reference, done func(), err error) {
	named, err := registry.ParseReference(arg)
	switch {
	case !isRegistryReference(arg), err == nil && named.Tag == "" && named.Digest == "" && !strings.Contains(named.Host, ":"):
		return image.ParseReference(arg), func() {}, nil // "web.oci/x" is a path where nothing is
	case err != nil:
		return ref, nil, err
	}
	st, err := a.openStore()
	if err != nil {
		return ref, nil, err
	}
	dir, remove, err := st.TempFolder()
	if err != nil {
		st.Close()
		return ref, nil, err
	}
	done = func() {
		remove()
		st.Close()
	}
	c, err := a.registryClient(st, registryFlags{}, named)
	if err == nil {
		defer c.Close()
		// A pack beside it is far larger than the image, and not looked at.
		_, err = c.Layout(ctx, named, registry.Filter{Without: []string{pack.Type}}, dir)
	}
	if err != nil {
		done()
		return ref, nil, err
	}
	return image.Reference{Kind: image.Layout, Path: dir, From: arg}, done, nil
}
