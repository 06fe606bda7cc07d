package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/attest"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/pack"
	"kiln/internal/registry"
	"kiln/internal/store"
)

// imageOfRegistry reads an argument that names an image of a registry; ok is false of
// any other: "web.oci/x" is a path, also where nothing is.
func imageOfRegistry(arg string) (ref registry.Reference, ok bool, err error) {
	if !isRegistryReference(arg) {
		return ref, false, nil
	}
	ref, err = registry.ParseReference(arg)
	if err == nil && ref.Tag == "" && ref.Digest == "" && !strings.Contains(ref.Host, ":") {
		return ref, false, nil
	}
	return ref, true, err
}

// imageRef reads an argument that names an image. One of a registry is fetched into the
// store, checked, and read as the layout that it was pushed from. done drops that.
func (a *app) imageRef(ctx context.Context, arg string) (ref image.Reference, done func(), err error) {
	// A pack beside it is far larger than the image, and not looked at.
	return a.fetchedRef(ctx, arg, registry.Filter{Without: []string{pack.Type}})
}

// outlineRef is imageRef for image.ReadOutline: of an image of a registry, layers are
// left there, and of what stands beside it all but the record of its build and what is
// wanted.
func (a *app) outlineRef(ctx context.Context, arg string, wanted func(artifactType string) bool) (ref image.Reference, done func(), err error) {
	return a.fetchedRef(ctx, arg, registry.Filter{Outline: true, Beside: func(t string) bool { return t == oci.TypeBuild || wanted(t) }})
}

func (a *app) fetchedRef(ctx context.Context, arg string, f registry.Filter) (ref image.Reference, done func(), err error) {
	named, ok, err := imageOfRegistry(arg)
	if err != nil || !ok {
		return image.ParseReference(arg), func() {}, err
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
	c, err := a.registryClient(st, named)
	if err == nil {
		defer c.Close()
		_, err = c.Layout(ctx, named, f, dir)
	}
	if err != nil {
		done()
		return ref, nil, err
	}
	return image.Reference{Kind: image.Layout, Path: dir, From: arg, Tag: named.Tag}, done, nil
}

// The kinds of what stands beside an image that commands read.
func bundlesAlone(artifactType string) bool { return artifactType == attest.MediaBundle }
func nothingBeside(string) bool             { return false }
func forSigning(artifactType string) bool {
	return bundlesAlone(artifactType) || sbomTypes()[artifactType] != ""
}

// refer puts artifacts, their blobs in the store, beside an image: in the layout that ref
// names, or in the registry that it came from.
func (a *app) refer(ctx context.Context, st *store.Store, ref image.Reference, artifacts []oci.Artifact) error {
	if ref.From == "" {
		return oci.AttachLayout(ctx, st, ref.Path, ref.Name, artifacts)
	}
	to, err := registry.ParseReference(ref.From)
	if err != nil {
		return err
	}
	c, err := a.registryClient(st, to)
	if err != nil {
		return err
	}
	defer c.Close()
	to.Tag, to.Digest = "", ""
	var done []string
	for _, artifact := range artifacts {
		d, err := oci.PutReferrer(st, artifact)
		if err != nil {
			return err
		}
		if slices.Contains(done, string(d.Digest)) {
			continue
		}
		if _, err := c.PushArtifact(ctx, d.Digest, to, false); err != nil {
			return fmt.Errorf("cannot put %s beside %s: %w", artifact.Type, ref, err)
		}
		done = append(done, string(d.Digest))
	}
	return nil
}
