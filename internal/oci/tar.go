package oci

import (
	"context"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Root is a root file system that is made only when it is asked for.
type Root func(context.Context) (*tree.Tree, tree.Contents, error)

// WriteTar writes the tree with the tree digest d as a plain tar file, its entries
// sorted by path. Where the file is there already, untouched since kiln wrote it, it
// does not ask for the tree.
func WriteTar(ctx context.Context, st *store.Store, d kiln.Digest, root Root, file string, job *kiln.Job) error {
	return writeOnce(st, file, holding("tar", string(d)), job, func(w io.Writer) error {
		t, c, err := root(ctx)
		if err != nil {
			return err
		}
		written := newAside(told{w, job})
		defer written.Close()
		tw := tree.NewTarWriter(&ctxWriter{ctx, written})
		for e := range t.All() {
			if err := tw.Add(e, c); err != nil {
				return err
			}
		}
		if err := tw.Close(); err != nil {
			return err
		}
		return written.Close()
	})
}

// WriteListing writes the canonical listing of the tree with the tree digest d as a
// text file, unless it is there already, untouched since kiln wrote it.
func WriteListing(st *store.Store, d kiln.Digest, listing func() ([]byte, error), file string, job *kiln.Job) error {
	return writeOnce(st, file, holding("listing", string(d)), job, func(w io.Writer) error {
		text, err := listing()
		if err != nil {
			return err
		}
		if got := kiln.DigestOf(text); got != d {
			return fmt.Errorf("bug: the listing is of the tree %s, not %s", got, d)
		}
		_, err = told{w, job}.Write(text)
		return err
	})
}

// WriteFile writes the blob d of the store as a file of its own, unless it is there
// already, untouched since kiln wrote it.
func WriteFile(st *store.Store, d kiln.Digest, file string, job *kiln.Job) error {
	return writeOnce(st, file, holding("file", string(d)), job, func(w io.Writer) error {
		r, err := st.OpenContent(d)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(told{w, job}, r)
		return err
	})
}
