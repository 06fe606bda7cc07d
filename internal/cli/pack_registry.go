package cli

import (
	"context"
	"fmt"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/pack"
	"kiln/internal/registry"
	"kiln/internal/store"
)

// delivered is what became of a pack that went to a registry.
type delivered struct{ *registry.Copied }

// deliver sets the options of a pack that --to takes to a registry. The image that is
// named there is its subject.
func (a *app) deliver(ctx context.Context, st *store.Store, f packFlags, o *bake.PackOptions) (*delivered, func(), error) {
	res := &delivered{}
	if f.to == "" {
		return res, func() {}, nil
	}
	to, err := parseTarget(f.to)
	if err != nil {
		return nil, nil, err
	}
	c, err := a.registryClient(st, to)
	if err != nil {
		return nil, nil, err
	}
	if to.Tag != "" || to.Digest != "" {
		if o.Subject != nil {
			return nil, nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("both --subject and --to %s name the image that the pack is of", f.to),
				Hints: []string{"leave --subject out, or name the repository alone: --to " + to.Name()}}
		}
		d, err := c.Resolve(ctx, to)
		if err != nil {
			return nil, nil, err
		}
		o.Subject, to.Tag, to.Digest = &d, "", ""
	}
	alone := o.Subject == nil || f.subject != ""
	o.Deliver = func(ctx context.Context, p *pack.Contents) (err error) {
		res.Copied, err = c.PushArtifact(ctx, p.Digest, to, alone)
		return err
	}
	return res, c.Close, nil
}

// packPath is where the pack that an argument names can be read. One of a registry is
// fetched into the store; done drops it.
func (a *app) packPath(ctx context.Context, st *store.Store, arg string) (path string, done func(), err error) {
	if !isRegistryReference(arg) {
		return layoutPath(arg), func() {}, nil
	}
	ref, err := registry.ParseReference(arg)
	if err != nil {
		return "", nil, err
	}
	c, err := a.registryClient(st, ref)
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	dir, remove, err := st.TempFolder()
	if err != nil {
		return "", nil, err
	}
	if _, err := c.FetchArtifact(ctx, ref, pack.Type, dir); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}
