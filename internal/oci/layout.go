package oci

import (
	"archive/tar"
	"cmp"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// The files of a layout, as the specification's image-layout.md says.
const (
	layoutFile    = "oci-layout"
	indexFile     = "index.json"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
)

// part is one file of a layout or archive: a blob of the store, a layer, or content
// made for it.
type part struct {
	name    string
	blob    kiln.Digest
	layer   *Layer
	content []byte
	size    int64
}

func document(name string, content []byte) part {
	return part{name: name, content: content, size: int64(len(content))}
}

// blobsFolder is where a layout has its blobs.
const blobsFolder = "blobs/sha256"

func blobName(d kiln.Digest) string { return blobsFolder + "/" + d.Hex() }

// write copies the part to w, verified.
func (p *part) write(ctx context.Context, st *store.Store, w io.Writer) error {
	if p.layer != nil {
		return CopyLayer(ctx, st, *p.layer, w)
	}
	if p.blob != "" {
		return copyBlob(ctx, st, p.blob, w)
	}
	_, err := w.Write(p.content)
	return err
}

// blobParts are the blobs of the manifests and the further ones, each once,
// sorted by name.
func blobParts(manifests []Manifest, further []Descriptor) []part {
	all := slices.Clone(further)
	var parts []part
	for _, m := range manifests {
		all = append(all, m.Descriptor, m.Config)
		for i := range m.Layers {
			l := &m.Layers[i]
			parts = append(parts, part{name: blobName(l.Digest), blob: l.Digest, layer: l, size: l.Size})
		}
	}
	for _, d := range all {
		parts = append(parts, part{name: blobName(d.Digest), blob: d.Digest, size: d.Size})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(parts, func(a, b part) bool { return a.name == b.name })
}

// parts are the files of a layout of the image, whose entry has further annotations.
func (ix *Index) parts(annotations map[string]string) ([]part, error) {
	top, err := ix.top(annotations)
	if err != nil {
		return nil, err
	}
	further := ix.blobs
	if ix.list.Digest != "" {
		further = append(slices.Clip(further), ix.list)
	}
	return layoutParts(top, blobParts(ix.Manifests, further)), nil
}

func layoutParts(top []byte, blobs []part) []part {
	return append([]part{document(layoutFile, []byte(layoutContent)), document(indexFile, top)}, blobs...)
}

// WriteLayout writes ix as an OCI image layout in folder dir. It takes the place
// of an older layout or an empty folder, and refuses to remove anything else. The
// folder appears whole or not at all. job is told what was written. What the
// folder holds already, untouched since kiln wrote it there, is not written again, and what was attached to
// the same image there stays.
func WriteLayout(ctx context.Context, st *store.Store, ix Index, dir string, job *kiln.Job) error {
	if err := checkLayoutPlace(dir); err != nil {
		return err
	}
	ix = ix.keeping(st, dir)
	parts, err := ix.parts(nil)
	if err != nil {
		return err
	}
	return writeLayout(ctx, st, parts, dir, job)
}

// writeLayout writes the parts of a layout in folder dir, where one may be put.
func writeLayout(ctx context.Context, st *store.Store, parts []part, dir string, job *kiln.Job) error {
	holds, last := holdingParts("oci", parts, 0), lastWritten(st, dir)
	if last.still(dir, holds) {
		job.Cached()
		return nil
	}
	err := writeDir(dir, func(tmp string) error {
		blobs := filepath.Join(tmp, blobsFolder)
		if err := os.MkdirAll(blobs, 0o755); err != nil {
			return err
		}
		if err := placeParts(ctx, st, parts, last, dir, tmp, job); err != nil {
			return err
		}
		if err := openUp(tmp, filepath.Dir(blobs), blobs); err != nil {
			return err
		}
		return syncDirs(blobs, filepath.Dir(blobs), tmp)
	}, placeLayout)
	if err != nil {
		return err
	}
	names := []string{".", path.Dir(blobsFolder), blobsFolder}
	for _, p := range parts {
		names = append(names, p.name)
	}
	remember(st, dir, holds, names)
	return nil
}

// placedAtOnce is how many parts of a layout are brought to the disk at a time: most are
// small, and the disk takes several as soon as one.
const placedAtOnce = 8

// placeParts writes the parts of a layout below tmp. Of several errors, the first
// part's is returned.
func placeParts(ctx context.Context, st *store.Store, parts []part, last written, dir, tmp string, job *kiln.Job) error {
	errs := make([]error, len(parts))
	var g errgroup.Group
	g.SetLimit(placedAtOnce)
	for i, p := range parts {
		g.Go(func() error {
			errs[i] = placePart(ctx, st, p, last, dir, filepath.Join(tmp, p.name), job)
			return nil
		})
	}
	_ = g.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// placePart writes a part of a layout that replaces the one in dir; or links it from
// there, or moves it where it was written by now. Its name is not waited for.
func placePart(ctx context.Context, st *store.Store, p part, last written, dir, path string, job *kiln.Job) error {
	moved := p.blob != "" && last.link(dir, p.name, path)
	if !moved && p.layer != nil {
		var err error
		if moved, err = p.layer.spool.Move(path); err != nil {
			return err
		}
	}
	if moved {
		job.Add(p.size)
		return nil
	}
	return durable.WriteNew(path, 0o644, func(w io.Writer) error { return p.write(ctx, st, told{w, job}) })
}

// syncDirs brings the names in the folders to the disk.
func syncDirs(dirs ...string) error {
	for _, d := range dirs {
		if err := durable.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// openUp makes folders readable by all, whatever the umask.
func openUp(dirs ...string) error {
	for _, d := range dirs {
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// WriteLayoutTar writes ix as one tar file that holds an OCI image layout.
func WriteLayoutTar(ctx context.Context, st *store.Store, ix Index, file string, job *kiln.Job) error {
	created := ix.created
	for _, m := range ix.Manifests {
		created = max(created, m.Created)
	}
	ix = ix.keeping(st, file)
	parts, err := ix.parts(nil)
	if err != nil {
		return err
	}
	return writeArchive(ctx, st, "oci-archive", parts, created, file, job)
}

// writeArchive writes a tar of the parts, unless it stands there already, untouched.
func writeArchive(ctx context.Context, st *store.Store, kind string, parts []part, created kiln.Epoch, file string, job *kiln.Job) error {
	return writeOnce(st, file, holdingParts(kind, parts, created), job, func(w io.Writer) error {
		return writeParts(ctx, st, parts, created, told{w, job})
	})
}

// writeParts writes a tar of the parts, all with the time of the image.
func writeParts(ctx context.Context, st *store.Store, parts []part, created kiln.Epoch, w io.Writer) error {
	tw := tar.NewWriter(w)
	header := func(typ byte, name string, mode, size int64) error {
		return tw.WriteHeader(&tar.Header{Format: tar.FormatPAX, Typeflag: typ, Name: name, Mode: mode, Size: size, ModTime: created.Time()})
	}
	for _, dir := range []string{path.Dir(blobsFolder) + "/", blobsFolder + "/"} {
		if err := header(tar.TypeDir, dir, 0o755, 0); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := header(tar.TypeReg, p.name, 0o644, p.size); err != nil {
			return err
		}
		if err := p.write(ctx, st, tw); err != nil {
			return err
		}
	}
	return tw.Close()
}
