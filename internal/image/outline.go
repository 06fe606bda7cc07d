package image

import (
	"context"
	"encoding/json"
	"fmt"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// Outline is what an image in a layout is made of, and what stands beside it, without
// its layers. All of it was checked against the digests that lead to it.
//
// The tag of an image of a registry is the one by which it was asked for there, and
// empty where that was a digest: what the record of a build calls it, nobody vouches for.
type Outline struct {
	Entry     oci.Descriptor // what its name in the layout leads to: an image index, or a manifest
	Tag       string         // that name; may be empty
	Platforms []OutlinePlatform
	Record    *Record // of its build; nil where there is none
	Referrers []Referrer
	List      kiln.Digest // of the list of the referrers; empty where there is none
}

// OutlinePlatform is the image for one platform.
type OutlinePlatform struct {
	Platform kiln.Platform
	Manifest oci.Descriptor
	Created  kiln.Epoch
}

// Subject is the entry, or one of the manifests, as artifacts name it that are about
// it; ok tells whether the digest is one of theirs.
func (o *Outline) Subject(d kiln.Digest) (s oci.Descriptor, ok bool) {
	all := []oci.Descriptor{o.Entry}
	for _, p := range o.Platforms {
		all = append(all, p.Manifest)
	}
	for _, s := range all {
		if s.Digest == d {
			return oci.Descriptor{MediaType: s.MediaType, Digest: s.Digest, Size: s.Size}, true
		}
	}
	return s, false
}

// Created is the newest of the platforms' times.
func (o *Outline) Created() (newest kiln.Epoch) {
	for _, p := range o.Platforms {
		newest = max(newest, p.Created)
	}
	return newest
}

// ReadOutline reads the image that ref names in a layout, a folder or a tar, with the record
// of its build, and the list of what stands beside it where Options.Referrers asks for that.
func ReadOutline(ctx context.Context, ref Reference, o Options) (*Outline, error) {
	o.Record = true
	o.Limits = o.Limits.withDefaults()
	out, err := readOutline(ctx, ref, o)
	if err != nil {
		return nil, readProblem(ref, err)
	}
	return out, nil
}

func readOutline(ctx context.Context, ref Reference, o Options) (*Outline, error) {
	r := &reader{ctx: ctx, o: o, budget: budget{o.Limits}, img: &Image{Path: ref.Path, Tree: tree.New()}}
	s, err := r.layoutSource(ref)
	if err != nil {
		return nil, err
	}
	defer s.close()
	top, err := r.layoutFiles(s)
	if err != nil {
		return nil, err
	}
	var ix index
	if err := json.Unmarshal(top, &ix); err != nil {
		return nil, refused("%s is no JSON: %v", indexFile, err)
	}
	entry, err := r.named(ix, ref.Name)
	if err != nil {
		return nil, err
	}
	if err := r.beside(s, entry); err != nil {
		return nil, err
	}
	out := &Outline{Entry: described(entry), Tag: entry.Annotations[annotationRef], Record: r.img.Record, Referrers: r.img.Referrers, List: r.img.List}
	if ref.From != "" {
		out.Tag = ref.Tag
	}
	err = out.follow(s, entry, 0)
	return out, err
}

// layoutSource opens a layout, and says of anything else that it is none.
func (r *reader) layoutSource(ref Reference) (source, error) {
	kind, err := kindOf(ref.Path)
	switch {
	case err != nil:
		return nil, err
	case kind == Layout:
		return openFolderSource(ref.Path)
	case kind == Folder || ref.Kind == Tar:
		return nil, noLayout()
	}
	f, err := r.plainFile(ref.Path)
	if err != nil {
		return nil, err
	}
	s, err := openArchiveSource(f)
	if err != nil {
		f.Close()
		return nil, noLayout()
	}
	if !s.has(layoutFile) || !s.has(indexFile) {
		s.close()
		return nil, noLayout()
	}
	return s, nil
}

func noLayout() error {
	return &kiln.Error{
		Code: kiln.User, Text: "it is no OCI image layout, and nothing can stand beside an image elsewhere",
		Hints: []string{"kiln build -o oci:FOLDER", "kiln build -o oci-archive:FILE"},
	}
}

// named finds the entry of index.json that is meant.
func (r *reader) named(ix index, name string) (descriptor, error) {
	var found []descriptor
	var names []string
	for _, d := range ix.Manifests {
		ref := d.Annotations[annotationRef]
		if name == "" || name == ref || name == d.Annotations[annotationDocker] {
			found, names = append(found, d), append(names, ref)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if name == "" {
			return descriptor{}, refused("it holds no image")
		}
		return descriptor{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no image in it is called %q", name), Hints: []string{"leave the name out, where there is one image only"}}
	}
	return descriptor{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("it holds %d images: %q", len(found), names), Hints: []string{"name one by its tag: PATH:TAG"}}
}

func described(d descriptor) oci.Descriptor {
	return oci.Descriptor{MediaType: d.MediaType, Digest: kiln.Digest(d.Digest), Size: d.Size}
}

// follow reads what an entry leads to: manifests, and their configurations.
func (o *Outline) follow(s source, d descriptor, depth int) error {
	file, digest, err := blobOf(d)
	if err != nil {
		return err
	}
	if depth > 4 {
		return refused("its indexes lie too deep in each other")
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return err
	}
	if int64(len(text)) != d.Size {
		return refused("%s has %d bytes, not %d", digest, len(text), d.Size)
	}
	switch d.MediaType {
	case mediaIndex, mediaList:
		var ix index
		if err := json.Unmarshal(text, &ix); err != nil {
			return refused("an index is no JSON: %v", err)
		}
		for _, m := range ix.Manifests {
			if m.Platform != nil && m.Platform.OS == "unknown" || m.Annotations["vnd.docker.reference.type"] != "" {
				continue // attestations of a manifest beside it
			}
			if err := o.follow(s, m, depth+1); err != nil {
				return err
			}
		}
		return nil
	case mediaManifest, mediaManifestV2:
		return o.manifest(s, d, text)
	}
	return refused("it holds %q, which is no image", d.MediaType)
}

func (o *Outline) manifest(s source, d descriptor, text []byte) error {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return refused("the manifest is no JSON: %v", err)
	}
	file, digest, err := blobOf(m.Config)
	if err != nil {
		return err
	}
	if text, err = document(s, file, digest, maxDocument); err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	var c imageConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return refused("the configuration is no JSON: %v", err)
	}
	cfg := c.config()
	o.Platforms = append(o.Platforms, OutlinePlatform{Platform: cfg.Platform, Manifest: described(d), Created: cfg.Created})
	return nil
}
