package oci

import (
	"context"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/store"
)

// join returns digest and size in bytes of the blob that the members are together,
// and, where it is asked for, the blob itself.
func (b *builder) join(ctx context.Context, members []Member, job *kiln.Job) (kiln.Digest, int64, *store.Spool, error) {
	if !b.spool {
		sum := kiln.NewDigester()
		n := &counter{w: told{sum, job}}
		err := copyMembers(ctx, b.store, members, n)
		return sum.Digest(), n.n, nil, err
	}
	w, err := b.store.Create()
	if err != nil {
		return "", 0, nil, err
	}
	defer w.Discard()
	n := &counter{w: told{w, job}}
	if err := copyMembers(ctx, b.store, members, n); err != nil {
		return "", 0, nil, err
	}
	spool, d, err := w.Spool()
	return d, n.n, spool, err
}

// copyMembers writes the members to w one after the other, each verified.
func copyMembers(ctx context.Context, st *store.Store, members []Member, w io.Writer) error {
	for _, m := range members {
		if err := copyBlob(ctx, st, m.Digest, w); err != nil {
			return err
		}
	}
	return nil
}

// CopyLayer writes the layer's blob to w, and checks it against its digest.
func CopyLayer(ctx context.Context, st *store.Store, l Layer, w io.Writer) error {
	sum := kiln.NewDigester()
	if err := copyRaw(ctx, st, l.Members, io.MultiWriter(w, sum)); err != nil {
		return err
	}
	if sum.Digest() == l.Digest {
		return nil
	}
	for _, m := range l.Members { // which of them is it?
		blob, err := st.Verified(m.Digest)
		if err != nil {
			return err
		}
		blob.Close()
	}
	return fmt.Errorf("the members of the layer %q are not those of %s", l.Name, l.Digest)
}

// copyRaw writes the members to w as they are: the digest of the whole tells
// whether they are right.
func copyRaw(ctx context.Context, st *store.Store, members []Member, w io.Writer) error {
	for _, m := range members {
		blob, err := st.OpenAt(m.Digest)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, &ctxReader{ctx, io.NewSectionReader(blob, 0, blob.Size())})
		blob.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
