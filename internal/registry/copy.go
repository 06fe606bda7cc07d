package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/oci"
)

// End is where an image is, or is to be: in a registry, or in a layout.
type End struct {
	Reference *Reference // in a registry; nil: in a layout
	Path      string     // of a layout
	Name      string     // of one of the images of a layout that is read
	Archive   bool       // a layout that is written is a tar
}

// String is how messages name the end.
func (e End) String() string {
	switch {
	case e.Reference != nil:
		return e.Reference.String()
	case e.Archive:
		return "oci-archive:" + e.Path
	}
	return "oci:" + e.Path
}

// Filter says what of an image is meant. The zero one is all.
type Filter struct {
	Platform kiln.Platform                  // the image for this one alone; zero: all
	Without  []string                       // artifact types of referrers to leave out, with all that refers to them
	Beside   func(artifactType string) bool // of Layout: tells which referrers are wanted besides; nil: all
	Outline  bool                           // of Layout: leave out the image's layers
}

// check tells before any work whether an image cannot be put there.
func (e End) check() error {
	switch {
	case e.Reference != nil:
		return nil
	case e.Archive:
		return oci.CheckFile(e.Path)
	}
	return oci.CheckLayout(e.Path)
}

// Copied is what Copy did, in the shape that --json prints.
type Copied struct {
	From      string           `json:"from"`
	To        string           `json:"to"`
	Reference string           `json:"reference,omitempty"` // by digest, in the registry; of a pull, where it came from
	Digest    kiln.Digest      `json:"digest"`
	MediaType string           `json:"media_type"`
	Platforms []kiln.Platform  `json:"platforms,omitempty"`
	Manifests int              `json:"manifests"` // of the image, with its index
	Blobs     int              `json:"blobs"`     // with those of the referrers
	Moved     *Moved           `json:"moved,omitempty"`
	Referrers []CopiedReferrer `json:"referrers"`
}

// CopiedReferrer is something that stands beside the image and was copied with it.
type CopiedReferrer struct {
	ArtifactType string      `json:"artifact_type"`
	Digest       kiln.Digest `json:"digest"`
	Subject      kiln.Digest `json:"subject"`
}

// Copy copies an image, all its platforms and all that stands beside it, less what
// the filter leaves out. Digests stay as they are.
func (c *Client) Copy(ctx context.Context, from, to End, f Filter) (*Copied, error) {
	if err := to.check(); err != nil {
		return nil, err
	}
	o, top, done, err := c.open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer done()
	if top, err = choose(ctx, o, top, f.Platform); err != nil {
		return nil, err
	}
	g, err := load(ctx, o, top, f)
	if err != nil {
		return nil, err
	}
	r := &Copied{From: from.String(), To: to.String(), Digest: g.top.Digest, MediaType: g.top.MediaType, Platforms: g.platforms,
		Manifests: len(g.documents), Blobs: len(g.blobs), Referrers: g.listed()}
	if to.Reference == nil {
		if from.Reference != nil {
			r.Reference = from.Reference.Pinned(g.top.Digest)
		}
		return r, c.place(ctx, g, o, to, tagOf(from))
	}
	target, err := targetOf(*to.Reference, g.top.Digest, nameOf(o))
	if err != nil {
		return nil, err
	}
	r.To, r.Reference = target.String(), target.Pinned(g.top.Digest)
	moved, err := c.push(ctx, g, o, target)
	r.Moved = &moved
	return r, err
}

// open opens an end to be read, and finds its image. done ends that.
func (c *Client) open(ctx context.Context, e End) (o origin, top oci.Descriptor, done func(), err error) {
	if e.Reference == nil {
		l, err := openLayout(e.Path, e.Name)
		if err != nil {
			return nil, top, nil, err
		}
		return l, l.Entry(), func() { l.Close() }, nil
	}
	if e.Reference.want() == "" {
		return nil, top, nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read %s: it names neither a tag nor a digest", e.Reference),
			Hints: []string{e.Reference.Name() + ":TAG", e.Reference.Name() + "@sha256:DIGEST"}}
	}
	r, err := c.remote(ctx, *e.Reference)
	if err != nil {
		return nil, top, nil, err
	}
	top, err = r.resolve(ctx)
	return r, top, func() {}, err
}

func tagOf(e End) string {
	if e.Reference != nil {
		return e.Reference.Tag
	}
	return ""
}

// nameOf is what the image is called where it is read; empty where it has no name.
func nameOf(o origin) string {
	switch o := o.(type) {
	case *layout:
		return o.Name()
	case *remote:
		return o.ref.Tag
	}
	return ""
}

// targetOf is where in a registry an image goes: under the tag that was asked for, or
// where there is none, and no digest, under the one that it has.
func targetOf(to Reference, d kiln.Digest, name string) (Reference, error) {
	switch {
	case to.Digest != "" && to.Digest != d:
		return to, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot push to %s: the image has the digest %s", to, d),
			Hints: []string{"leave the digest out, or push the image that has it"}}
	case to.Tag == "" && to.Digest == "" && ValidTag(name):
		to.Tag = name
	}
	to.Digest = ""
	return to, nil
}

// listed are the referrers, each with what it is of; not the manifests of one that is
// an index.
func (g *graph) listed() []CopiedReferrer {
	all := []CopiedReferrer{}
	for _, doc := range g.referrers {
		if doc.subject != "" {
			all = append(all, CopiedReferrer{doc.ArtifactType, doc.Digest, doc.subject})
		}
	}
	return all
}

// fetchAll brings an image into the store, with all that stands beside it.
func (c *Client) fetchAll(ctx context.Context, g *graph, from origin) error {
	for _, doc := range slices.Concat(g.documents, g.referrers) {
		if _, err := oci.PutFile(c.Store, "", doc.MediaType, doc.text); err != nil {
			return err
		}
	}
	c.plan(kiln.StepPull, g.blobs)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.jobs())
	for _, d := range largestFirst(g.blobs) {
		group.Go(func() error { return c.bring(ctx, from, d) })
	}
	return group.Wait()
}

// bring brings one blob into the store, verified.
func (c *Client) bring(ctx context.Context, from origin, d oci.Descriptor) error {
	if r, ok := from.(*remote); ok {
		return c.fetch(ctx, r.places, d)
	}
	if size, err := c.Store.Size(d.Digest); err == nil && size == d.Size {
		return nil
	}
	b, err := from.blob(ctx, d)
	if err != nil {
		return err
	}
	defer b.Close()
	_, _, err = c.Store.Put(io.NewSectionReader(b, 0, d.Size), d.Digest)
	return err
}

// place writes an image as a layout. It is in the store, whole, before its place is
// touched.
func (c *Client) place(ctx context.Context, g *graph, from origin, to End, tag string) error {
	if err := c.fetchAll(ctx, g, from); err != nil {
		return err
	}
	m, err := c.moved(g, from, tag)
	if err != nil {
		return err
	}
	ix, err := m.Index(c.Store)
	if err != nil {
		return err
	}
	job := c.Sink.Start(kiln.StepWrite, to.String(), 0)
	if to.Archive {
		return job.End(oci.WriteLayoutTar(ctx, c.Store, ix, to.Path, job))
	}
	return job.End(oci.WriteLayout(ctx, c.Store, ix, to.Path, job))
}

// Layout brings the image that ref names, with all that stands beside it, into the
// store, and makes a layout of it in the empty folder dir, below the store. It returns
// the image's digest. What the filter leaves out, that layout lacks.
func (c *Client) Layout(ctx context.Context, ref Reference, f Filter, dir string) (kiln.Digest, error) {
	o, top, done, err := c.open(ctx, End{Reference: &ref})
	if err != nil {
		return "", err
	}
	defer done()
	g, err := load(ctx, o, top, f)
	if err != nil {
		return "", err
	}
	if err := c.fetchAll(ctx, g, o); err != nil {
		return "", err
	}
	m, err := c.moved(g, o, ref.Tag)
	if err != nil {
		return "", err
	}
	ix, err := m.Index(c.Store)
	if err != nil {
		return "", err
	}
	return g.top.Digest, oci.LinkLayout(c.Store, ix, dir)
}

// moved is the graph as a layout has it.
func (c *Client) moved(g *graph, from origin, tag string) (oci.Moved, error) {
	top := g.documents[len(g.documents)-1]
	m := oci.Moved{Entry: oci.Descriptor{MediaType: top.MediaType, Digest: top.Digest, Size: top.Size}, Name: nameOf(from), Blobs: slices.Clone(g.blobs)}
	if tag != "" {
		m.Name = tag
	}
	for _, doc := range slices.Concat(g.documents, g.referrers) {
		m.Blobs = append(m.Blobs, oci.Descriptor{MediaType: doc.MediaType, Digest: doc.Digest, Size: doc.Size})
	}
	for _, doc := range g.documents {
		if len(doc.blobs) > 0 {
			m.Configs = append(m.Configs, doc.blobs[0])
		}
	}
	for _, doc := range g.referrers {
		if doc.subject == "" {
			continue
		}
		m.Referrers = append(m.Referrers, doc.asReferrer())
	}
	return m, c.asBuilt(g, &m)
}

// asBuilt gives the entry the name and the platform that kiln build wrote, as the
// record of the build and the configuration tell them: the layout is then the one that
// was built, byte for byte.
func (c *Client) asBuilt(g *graph, m *oci.Moved) error {
	for _, doc := range g.referrers {
		if doc.ArtifactType != oci.TypeBuild || doc.subject != m.Entry.Digest || len(doc.blobs) == 0 || doc.blobs[0].Size > maxDocument {
			continue
		}
		text, err := c.Store.ReadAll(doc.blobs[0].Digest)
		if err != nil {
			return err
		}
		var record oci.Record
		if json.Unmarshal(text, &record) == nil && record.Ref != "" {
			m.Name = record.Ref
		}
	}
	if m.Entry.MediaType != mediaManifest {
		return nil
	}
	var p struct{ OS, Architecture, Variant string }
	config := g.documents[len(g.documents)-1].blobs[0]
	if config.Size > maxDocument {
		return nil
	}
	text, err := c.Store.ReadAll(config.Digest)
	if err != nil {
		return err
	}
	if json.Unmarshal(text, &p) == nil && p.OS != "" && p.Architecture != "" {
		m.Entry = m.Entry.For(kiln.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant})
	}
	return nil
}
