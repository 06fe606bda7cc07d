package oci

import (
	"context"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/store"
)

// join hashes the blob that the members are together, from a waypoint on, and, where
// it is asked for, writes it to the disk.
func (b *builder) join(ctx context.Context, sum *running, last chain, from waypoint, job *kiln.Job) (*store.Spool, error) {
	if w, _ := last.waypoint(b.members); w.After != from.After { // a member was compressed to other bytes
		from, b.forget = waypoint{}, true
	}
	if from.After > 0 {
		if err := sum.resume(from.Blob, from.Size); err != nil {
			return nil, err
		}
	}
	w, written, err := b.prejoined.take(b.members)
	if err == nil && w == nil && b.spool {
		w, err = b.store.CreateSpool()
	}
	if err != nil {
		return nil, err
	}
	if w != nil {
		defer w.Discard()
	}
	at := b.stops()
	for i := range b.members {
		var to []io.Writer
		if w != nil && i >= written {
			to = append(to, w)
		}
		if i >= from.After {
			to = append(to, sum)
		}
		if len(to) == 0 {
			job.Add(b.members[i].blob.Size)
			continue
		}
		if err := copyBlob(ctx, b.store, b.members[i].blob.Digest, io.MultiWriter(append(to, told{io.Discard, job})...)); err != nil {
			return nil, err
		}
		if at[i+1] && i >= from.After {
			if err := sum.pass(i + 1); err != nil {
				return nil, err
			}
		}
	}
	if w == nil {
		return nil, nil
	}
	return w.Spool()
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
