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
		c, release := tree.Hold(c)
		defer release()
		runs := runsOf(t)
		err = abreast(ctx, len(runs), func(ctx context.Context, i int, w io.Writer) error {
			return writeRun(ctx, t, c, runs[i], w)
		}, told{w, job})
		if err != nil {
			return err
		}
		return tree.NewTarWriter(told{w, job}).Close()
	})
}

// runSize is how much of a tar is made at a time, in bytes: at least, and more where a
// single file is larger.
const runSize = 1 << 20

// runsOf cuts the paths of the tree into runs of about that size.
func runsOf(t *tree.Tree) [][]string {
	var runs [][]string
	paths := t.Paths()
	begin, size := 0, int64(0)
	for i, p := range paths {
		e, _ := t.Lookup(p)
		if size += e.Size; size+int64(i+1-begin)*512 >= runSize || i == len(paths)-1 {
			runs = append(runs, paths[begin:i+1])
			begin, size = i+1, 0
		}
	}
	return runs
}

// writeRun writes the tree's entries at the paths as a part of a tar.
func writeRun(ctx context.Context, t *tree.Tree, c tree.Contents, paths []string, w io.Writer) error {
	tw := tree.NewTarWriter(&ctxWriter{ctx, w})
	for _, p := range paths {
		e, _ := t.Lookup(p)
		if err := tw.Add(e, c); err != nil {
			return err
		}
	}
	return nil
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
