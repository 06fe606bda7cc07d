// Package disk writes what boots, or is part of it: the root file system as EROFS by now.
// The formats are rooms below it.
package disk

import (
	"context"
	"io"

	"kiln"
	"kiln/internal/disk/erofs"
	"kiln/internal/disk/gpt"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// erofsFormat is the version of the rules by which a tree becomes a file system.
const erofsFormat = "erofs 1"

// WriteRoot writes the tree with the tree digest d as an EROFS file system, compressed
// with zstd. Its UUID is derived from the digest, its time is the image's epoch. Where the file is there
// already, untouched since kiln wrote it, it does not ask for the tree.
func WriteRoot(ctx context.Context, st *store.Store, d kiln.Digest, epoch kiln.Epoch, root oci.Root, file string, job *kiln.Job) error {
	return oci.WriteOnceAt(st, file, erofsFormat, d, job, func(w io.WriterAt) error {
		t, c, err := root(ctx)
		if err != nil {
			return err
		}
		_, err = erofs.Write(ctx, told{w, job}, t, c, erofs.Options{UUID: gpt.Derive("root", string(d)), Label: "root", Epoch: epoch, Compression: erofs.Zstd})
		return err
	})
}

// told tells a job of what is written.
type told struct {
	w   io.WriterAt
	job *kiln.Job
}

func (t told) WriteAt(b []byte, off int64) (int, error) {
	n, err := t.w.WriteAt(b, off)
	t.job.Add(int64(n))
	return n, err
}
