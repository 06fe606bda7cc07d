package bake

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// With every image its SBOMs are made, in both formats, and stand beside it as
// referrers of each platform's manifest. What they are written from, the inventory, is a
// file of the record, so that an SBOM with the files of all packages can be written
// from an image alone.

// inventory finds out what SBOMs tell of an image, but for its own digests; nil where the
// family tells nothing.
func (o Options) inventory(ctx context.Context, r *recipe.Recipe, p kiln.Platform, root *Root) (*sbom.Inventory, error) {
	if root.Inventory == nil {
		return nil, nil
	}
	job := o.Sink.Start(kiln.StepHash, "packages of "+p.String(), 0)
	f := &sbom.Inventory{Tool: o.Tool, Name: r.Name, Version: r.Version, Platform: p, Created: root.Epoch}
	err := o.fillInventory(ctx, f, root)
	return f, job.End(err)
}

func (o Options) fillInventory(ctx context.Context, f *sbom.Inventory, root *Root) (err error) {
	if f.Packages, f.Texts, err = root.Inventory(ctx); err != nil {
		return err
	}
	var own []tree.Entry
	layers := map[string]int{} // of own: the last that has the path
	for e := range root.Tree.All() {
		if Unpackaged(e) {
			own = append(own, e)
			layers[e.Path] = 0
		}
	}
	for i, l := range root.Layers {
		for _, m := range l.Members {
			for j := range m.Entries {
				if _, is := layers[m.Entries[j].Path]; is {
					layers[m.Entries[j].Path] = i
				}
			}
		}
	}
	f.Files, err = FilesOf(ctx, o.Store, root.Contents, own, func(e tree.Entry) int { return layers[e.Path] })
	return err
}

// Unpackaged tells whether an entry is a file that came with no package: the recipe's,
// but not what kiln itself made to describe packages.
func Unpackaged(e tree.Entry) bool {
	return e.Type == tree.File && !e.Hard && e.Origin.Package == "" && e.Origin.Recipe != ""
}

// FilesOf describes files for an SBOM, in the order of the entries. Where there
// is a store, content is read once and what it gave kept there.
func FilesOf(ctx context.Context, st *store.Store, contents tree.Contents, entries []tree.Entry, layer func(tree.Entry) int) ([]sbom.File, error) {
	files := make([]sbom.File, len(entries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			read, err := readFile(st, contents, e)
			if err != nil {
				return fmt.Errorf("cannot read %q for the SBOM: %w", tree.Absolute(e.Path), err)
			}
			files[i] = sbom.File{Path: e.Path, Layer: layer(e), Size: e.Size, SHA1: read.SHA1, SHA256: e.Content, Comes: comesFrom(e.Origin), Go: read.Go}
			return nil
		})
	}
	return files, group.Wait()
}

func comesFrom(o tree.Origin) string {
	var parts []string
	if o.Recipe != "" && o.Package == "" {
		parts = append(parts, "recipe: "+o.Recipe)
		if o.Why != "" {
			parts = append(parts, o.Why)
		}
	}
	if o.Script != "" {
		parts = append(parts, "made or changed by "+o.Script)
	}
	if o.Rule != "" {
		parts = append(parts, "kiln's rule "+o.Rule)
	}
	return strings.Join(parts, ", ")
}

// smallFile is what is read again rather than kept, in bytes.
const smallFile = 16 << 10

// readFile recalls or reads what an SBOM tells of a content.
func readFile(st *store.Store, contents tree.Contents, e tree.Entry) (sbom.Content, error) {
	key := kiln.DigestOf([]byte("kiln sbom file " + strconv.Itoa(sbom.ContentFormat) + "\n" + string(e.Content) + "\n"))
	var c sbom.Content
	keep := st != nil && e.Size > smallFile
	if keep {
		if value, ok := st.Result(key); ok && json.Unmarshal(value, &c) == nil {
			return c, nil
		}
	}
	r, err := contents.OpenContent(e.Content)
	if err != nil {
		return c, err
	}
	defer r.Close()
	if c, err = sbom.ReadContent(r, e.Size); err != nil || !keep {
		return c, err
	}
	value, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("bug: cannot encode what a file holds: %w", err)
	}
	return c, st.SetResult(key, value)
}

// writeSBOMs completes the inventory with the image's digests, and stores them and the
// SBOMs made of them.
func writeSBOMs(docs oci.Putter, e *evidence, f *sbom.Inventory, m oci.Manifest) error {
	if f == nil {
		return nil
	}
	f.Digest, f.Created = m.Digest, m.Created
	for _, l := range m.Layers {
		f.Layers = append(f.Layers, sbom.Layer{Name: l.Name, Digest: l.Digest})
	}
	var group errgroup.Group
	group.Go(func() error {
		b, err := f.Marshal()
		if err == nil {
			e.Inventory, err = oci.PutCompressedFile(docs, oci.TitleFacts(f.Platform), oci.MediaFacts, b)
		}
		return err
	})
	put := func(d *oci.Descriptor, write func(*sbom.Inventory) ([]byte, error), extension, media string) {
		group.Go(func() error {
			b, err := write(f)
			if err == nil {
				*d, err = oci.PutFile(docs, f.Name+extension, media, b)
			}
			return err
		})
	}
	put(&e.SPDX, sbom.SPDX, ".spdx.json", oci.TypeSPDX)
	put(&e.CycloneDX, sbom.CycloneDX, ".cdx.json", oci.TypeCycloneDX)
	if err := group.Wait(); err != nil {
		return fmt.Errorf("cannot write the SBOMs: %w", err)
	}
	return nil
}

// referSBOMs puts the SBOMs of all platforms beside the image.
func referSBOMs(docs oci.Putter, ix oci.Index, images []built) (oci.Index, error) {
	var all []oci.Artifact
	for _, b := range images {
		if b.evidence.SPDX.Digest == "" {
			continue
		}
		empty, err := oci.PutEmpty(docs)
		if err != nil {
			return ix, err
		}
		for _, d := range []oci.Descriptor{b.evidence.SPDX, b.evidence.CycloneDX} {
			all = append(all, oci.Artifact{Type: d.MediaType, Config: empty, Blobs: []oci.Descriptor{d}, Subject: b.manifest.Subject()})
		}
	}
	if all == nil {
		return ix, nil
	}
	return ix.Refer(docs, all...)
}

func (o Options) writeSBOM(d oci.Descriptor, out Output, job *kiln.Job) error {
	if d.Digest == "" {
		return fmt.Errorf("bug: there is no SBOM for the output %s:%s", out.Type, out.Path)
	}
	return oci.WriteFile(o.Store, d.Digest, out.Path, job)
}

// Inventory makes the image for the one platform of o as Build does, without its outputs,
// and returns what its SBOMs are written from; with files, the files of each package
// as well. The lock is made where it must be, but never written.
func Inventory(ctx context.Context, o Options, files bool) (*sbom.Inventory, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	locked, err := settle(ctx, o.Lock)
	if err != nil {
		return nil, err
	}
	if locked.old == nil || len(locked.Changes) > 0 {
		o.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Note, Text: "this lock is not written: kiln lock writes it"})
	}
	r, l := o.Lock.Recipe, locked.Lock
	images, _, err := buildImages(ctx, o, r, l)
	defer func() {
		for _, b := range images {
			closeLayers(b.manifest.Layers)
		}
	}()
	if err != nil {
		return nil, err
	}
	b := images[0]
	text, err := oci.ReadCompressedFile(o.Store, b.evidence.Inventory)
	if err != nil {
		return nil, err
	}
	f, err := sbom.Parse(text)
	if err != nil || !files {
		return f, err
	}
	root, err := o.rootOf(ctx, r, l, b)
	if err != nil {
		return nil, err
	}
	return f, AddFiles(ctx, f, root.Tree, root.Contents, ByOrigin)
}

// AddFiles gives each package of f its files, as owner names it for an entry. What is
// of no package joins f.Files.
func AddFiles(ctx context.Context, f *sbom.Inventory, t *tree.Tree, contents tree.Contents, owner func(tree.Entry) string) error {
	at, own := map[string]int{}, map[string]bool{}
	for i, p := range f.Packages {
		at[p.Owner] = i
		f.Packages[i].Files = []sbom.File{}
	}
	for _, file := range f.Files {
		own[file.Path] = true
	}
	var entries []tree.Entry
	for e := range t.All() {
		if e.Type == tree.File && !own[e.Path] {
			entries = append(entries, e)
		}
	}
	files, err := FilesOf(ctx, nil, contents, entries, func(tree.Entry) int { return sbom.NoLayer })
	if err != nil {
		return err
	}
	for i, file := range files {
		if p, ok := at[owner(entries[i])]; ok {
			f.Packages[p].Files = append(f.Packages[p].Files, file)
		} else {
			f.Files = append(f.Files, file)
		}
	}
	return nil
}

// ByOrigin is the owner of an entry that knows its origin.
func ByOrigin(e tree.Entry) string { return e.Origin.Package }
