package registry

import (
	"context"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/oci"
)

// Resolve returns what ref names in its registry.
func (c *Client) Resolve(ctx context.Context, ref Reference) (oci.Descriptor, error) {
	_, d, done, err := c.open(ctx, End{Reference: &ref})
	if err != nil {
		return d, err
	}
	done()
	return d, nil
}

// annotationRef names an artifact in a layout.
const annotationRef = "org.opencontainers.image.ref.name"

// PushArtifact writes the artifact whose manifest has the digest of, all of it in the
// store, to the repository of to: where it is to be named, under the name that it says
// itself. Where it has a subject, it stands beside that from then on.
func (c *Client) PushArtifact(ctx context.Context, of kiln.Digest, to Reference, named bool) (*Copied, error) {
	d := oci.Descriptor{MediaType: mediaManifest, Digest: of}
	o := stored{c.Store, "the store"}
	g, err := load(ctx, o, d, Filter{})
	if err != nil {
		return nil, err
	}
	if name := g.documents[0].name; named && ValidTag(name) {
		to.Tag = name
	}
	to.Digest = ""
	moved, err := c.push(ctx, g, o, to)
	return &Copied{From: o.name, To: to.String(), Reference: to.Pinned(d.Digest), Digest: d.Digest, MediaType: d.MediaType,
		Manifests: len(g.documents), Blobs: len(g.blobs), Moved: &moved, Referrers: g.listed()}, err
}

// FetchArtifact brings an artifact of the type kind into the store, and makes a layout
// of it in the empty folder dir, below the store. ref names it, or an image that it,
// alone of its kind, stands beside.
func (c *Client) FetchArtifact(ctx context.Context, ref Reference, kind, dir string) (oci.Descriptor, error) {
	o, top, done, err := c.open(ctx, End{Reference: &ref})
	if err != nil {
		return top, err
	}
	defer done()
	d, err := c.ofKind(ctx, o, top, ref, kind)
	if err != nil {
		return d, err
	}
	text, err := o.document(ctx, d)
	if err != nil {
		return d, err
	}
	a, err := oci.ParseArtifact(text, kind)
	if err != nil {
		return d, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot use %s: %v", ref.Pinned(d.Digest), err), Hints: []string{"do not use it; ask for it where it came from"}}
	}
	g := &graph{blobs: append([]oci.Descriptor{a.Config}, a.Blobs...)}
	slices.SortFunc(g.blobs, byDigest)
	g.blobs = slices.CompactFunc(g.blobs, func(a, b oci.Descriptor) bool { return a.Digest == b.Digest })
	if err := c.fetchAll(ctx, g, o); err != nil {
		return d, err
	}
	d = oci.Descriptor{MediaType: mediaManifest, ArtifactType: kind, Digest: d.Digest, Size: int64(len(text))}
	return d, oci.LinkArtifact(c.Store, d, a, a.Annotations[annotationRef], dir)
}

// ofKind is top, where that is of the kind, or the one referrer of it that is.
func (c *Client) ofKind(ctx context.Context, o origin, top oci.Descriptor, ref Reference, kind string) (oci.Descriptor, error) {
	text, err := o.document(ctx, top)
	if err != nil {
		return top, err
	}
	if _, err := oci.ParseArtifact(text, kind); err == nil {
		return top, nil
	}
	all, err := o.referrers(ctx, top.Digest)
	if err != nil {
		return top, err
	}
	all = slices.DeleteFunc(all, func(d oci.Descriptor) bool { return d.ArtifactType != kind })
	slices.SortFunc(all, byDigest)
	switch len(all) {
	case 1:
		return all[0], nil
	case 0:
		return top, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%s is no %s, and none stands beside it", ref, kind),
			Hints: []string{"put one there: kiln pack RECIPE --to " + ref.String()}}
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%d of the type %s stand beside %s", len(all), kind, ref)}
	for _, d := range all {
		e.Hints = append(e.Hints, "name one: "+ref.Pinned(d.Digest))
	}
	return top, e
}
