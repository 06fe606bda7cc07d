package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/oci"
)

// origin is where an image is read.
type origin interface {
	// document returns the manifest or index d, checked.
	document(ctx context.Context, d oci.Descriptor) ([]byte, error)
	// referrers lists the manifests whose subject d is.
	referrers(ctx context.Context, d kiln.Digest) ([]oci.Descriptor, error)
	// blob opens the blob d, of the right size.
	blob(ctx context.Context, d oci.Descriptor) (content, error)
	// repository is the repository of the host where its blobs are; empty where it
	// has none.
	repository(host string) string
	// String names it in messages.
	String() string
}

// graph is an image with all that it consists of and all that stands beside it.
type graph struct {
	top       oci.Descriptor
	documents []document // of the image, each after those that it names; the top is the last
	referrers []document // each after those that it names and after its subject
	blobs     []oci.Descriptor
	platforms []kiln.Platform
	seen      map[kiln.Digest]bool
	without   func(artifactType string) bool
	outline   bool // blobs of the image but its configurations are left out
}

// Bounds of what an image may consist of.
const (
	maxDocuments = 20_000
	maxDepth     = 8
)

// load reads the documents of the image top, and of what stands beside it.
func load(ctx context.Context, from origin, top oci.Descriptor, f Filter) (*graph, error) {
	g := &graph{seen: map[kiln.Digest]bool{}, outline: f.Outline, without: func(artifactType string) bool {
		return slices.Contains(f.Without, artifactType) || f.Beside != nil && !f.Beside(artifactType)
	}}
	docs, err := g.document(ctx, from, top, 0)
	if err != nil {
		return nil, err
	}
	g.documents = docs
	g.top = docs[len(docs)-1].Descriptor
	g.top.Platform, g.outline = top.Platform, false
	return g, g.beside(ctx, from, docs)
}

// beside adds what refers to docs, and what refers to that.
func (g *graph) beside(ctx context.Context, from origin, docs []document) error {
	for i := 0; i < len(docs); i++ {
		list, err := from.referrers(ctx, docs[i].Digest)
		if err != nil {
			return fmt.Errorf("cannot list the referrers of %s: %w", docs[i].Digest, err)
		}
		slices.SortFunc(list, byDigest)
		for _, d := range list {
			if g.seen[d.Digest] || g.without(d.ArtifactType) {
				continue
			}
			found, err := g.document(ctx, from, d, 0)
			if errors.Is(err, fs.ErrNotExist) || isMissing(err) {
				return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("what is listed beside %s was removed: %v", docs[i].Digest, err), Err: err,
					Hints: []string{"copy the image once more from where it is whole, with all that stands beside it"}}
			}
			if err != nil {
				return err
			}
			if found[len(found)-1].subject != docs[i].Digest {
				return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%s is listed as a referrer of %s, and is none", d.Digest, docs[i].Digest),
					Hints: []string{"do not trust this list: ask whoever runs the registry"}}
			}
			g.referrers = append(g.referrers, found...)
			docs = append(docs, found...)
		}
	}
	return nil
}

func byDigest(a, b oci.Descriptor) int { return strings.Compare(string(a.Digest), string(b.Digest)) }

// document reads d and all documents that it names, and notes their blobs.
func (g *graph) document(ctx context.Context, from origin, d oci.Descriptor, depth int) ([]document, error) {
	if g.seen[d.Digest] {
		return nil, nil
	}
	if g.seen[d.Digest] = true; len(g.seen) > maxDocuments || depth > maxDepth {
		return nil, fmt.Errorf("the image has more manifests, or they lie deeper in each other, than any image should")
	}
	text, err := from.document(ctx, d)
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(d, text)
	if err == nil && d.Size != 0 && d.Size != int64(len(text)) {
		err = fmt.Errorf("the manifest %s has %d bytes, not %d", d.Digest, len(text), d.Size)
	}
	if err != nil {
		return nil, &kiln.Error{Code: kiln.Refused, Text: err.Error(), Hints: []string{"do not use this image; build or fetch it again"}}
	}
	doc.Size = int64(len(text))
	var docs []document
	for _, n := range doc.names {
		if p, ok := n.Runs(); ok && depth == 0 {
			g.platforms = append(g.platforms, p)
		}
		below, err := g.document(ctx, from, n, depth+1)
		if err != nil {
			return nil, err
		}
		docs = append(docs, below...)
	}
	wanted := doc.blobs
	if g.outline {
		wanted = wanted[:min(1, len(wanted))]
	}
	for _, b := range wanted {
		if !g.seen[b.Digest] {
			g.seen[b.Digest] = true
			g.blobs = append(g.blobs, b)
		}
	}
	return append(docs, doc), nil
}

// choose returns the manifest of a platform in the index top, or top itself where it
// is no index and no platform is known of it.
func choose(ctx context.Context, from origin, top oci.Descriptor, want kiln.Platform) (oci.Descriptor, error) {
	if want == (kiln.Platform{}) {
		return top, nil
	}
	text, err := from.document(ctx, top)
	if err != nil {
		return top, err
	}
	doc, err := parseDocument(top, text)
	if err != nil {
		return top, &kiln.Error{Code: kiln.Refused, Text: err.Error()}
	}
	if len(doc.names) == 0 {
		return top, nil
	}
	var have []string
	for _, d := range doc.names {
		p, ok := d.Runs()
		if !ok {
			continue
		}
		if have = append(have, p.String()); p == want || p.OS == want.OS && p.Architecture == want.Architecture && (p.Variant == "" || want.Variant == "") {
			return d, nil
		}
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%s has no image for %s, but for %s", from, want, strings.Join(have, ", "))}
	for _, h := range have {
		e.Hints = append(e.Hints, "--platform "+h)
	}
	return top, e
}
