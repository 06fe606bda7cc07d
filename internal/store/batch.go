package store

import (
	"sync"

	"golang.org/x/sync/errgroup"

	"kiln"
)

// batchAtOnce is how many blobs of a batch are brought to the disk at a time: it takes several
// as soon as one.
const batchAtOnce = 8

// Batch stores blobs beside each other. Their digests are known at once; that they are
// there, Wait tells. Its methods may be called from several goroutines, Wait after all others.
type Batch struct {
	store *Store
	group errgroup.Group

	mu    sync.Mutex
	sizes map[kiln.Digest]int64 // of what was put
}

// Batch begins a batch.
func (s *Store) Batch() *Batch {
	b := &Batch{store: s, sizes: map[kiln.Digest]int64{}}
	b.group.SetLimit(batchAtOnce)
	return b
}

// Size is Store.Size, also of what is on its way there.
func (b *Batch) Size(d kiln.Digest) (int64, error) {
	b.mu.Lock()
	size, ok := b.sizes[d]
	b.mu.Unlock()
	if ok {
		return size, nil
	}
	return b.store.Size(d)
}

// PutBytes begins to store content, which must not change until Wait returns. It
// returns the digest and the size in bytes.
func (b *Batch) PutBytes(content []byte) (kiln.Digest, int64, error) {
	d, size := kiln.DigestOf(content), int64(len(content))
	b.mu.Lock()
	b.sizes[d] = size
	b.mu.Unlock()
	b.group.Go(func() error {
		_, _, err := b.store.PutBytes(content)
		return err
	})
	return d, size, nil
}

// Wait waits until the disk has all that was put, and returns the first error.
func (b *Batch) Wait() error { return b.group.Wait() }
