package bake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// ahead is what is done for the layers of one platform's image while its tree is
// still being made, on a guess: members are compressed, and what the blobs will most likely begin
// with is written. A wrong guess costs time and nothing else.
type ahead struct {
	layers     map[string]oci.LayerOptions // by name
	compressor *oci.Precompressor
}

// goAhead begins with it. The caller closes it.
func (o Options) goAhead(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) *ahead {
	packages := map[string]bool{}
	var ids []string
	for _, pkg := range l.Platforms[p].Packages {
		id := kiln.PackageID{Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture}.String()
		packages[id] = true
		ids = append(ids, id)
	}
	layout := slices.ContainsFunc(o.Outputs, func(out Output) bool { return out.Type == OCI })
	a := &ahead{layers: map[string]oci.LayerOptions{}, compressor: oci.NewPrecompressor(o.Store, o.Compression, ofPlatform(o.Sink, p))}
	for i := range r.Layers {
		options := o.ofLayer(r, p, r.Layers[i].Name)
		options.Spool, options.Ahead = layout && i < mostSpools, a.compressor
		options.Reason = reason(r, i, p, ids)
		options.Prejoined = oci.Prejoin(ctx, o.Store, options, func(name string) bool { return packages[name] })
		a.layers[r.Layers[i].Name] = options
	}
	return a
}

// early has a member compressed that a layer will most likely have.
func (a *ahead) early(ctx context.Context) Early {
	return func(layer string, m tree.Member, c tree.Contents) { a.compressor.Add(ctx, layer, m, c) }
}

// close ends what is still going on.
func (a *ahead) close() {
	a.compressor.Close()
	for _, o := range a.layers {
		o.Prejoined.Close()
	}
}

// ofLayer are the options of a layer of which nothing more is known.
func (o Options) ofLayer(r *recipe.Recipe, p kiln.Platform, name string) oci.LayerOptions {
	return oci.LayerOptions{
		Compression: o.Compression, Sink: ofPlatform(o.Sink, p),
		Line: fmt.Sprintf("%q", []string{r.Name, p.String(), name}),
	}
}

// reason is the digest of what most likely decides what a layer holds. It is empty where
// that cannot be told; whoever needs what is missing says so.
func reason(r *recipe.Recipe, i int, p kiln.Platform, packages []string) kiln.Digest {
	one := *r
	one.Layers = r.Layers[i : i+1]
	files, err := hostFiles(&one, p)
	if err != nil {
		return ""
	}
	text, err := json.Marshal(one)
	if err != nil {
		return ""
	}
	return kiln.DigestOf(fmt.Appendf(text, "%s%q", files, packages))
}
