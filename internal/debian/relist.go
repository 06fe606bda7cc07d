package debian

import (
	"context"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// Relist reads the indexes that the lock names again, those whose text is in the
// store: of a store that distrusts its results, each kept listing is so compared
// with what parsing gives. It needs no network.
func (f *Family) Relist(ctx context.Context, r *recipe.Recipe, l *lock.Lock) error {
	archives, err := archivesOf(r)
	if err != nil {
		return err
	}
	k := &locking{family: f, recipe: r, old: l, client: &apt.Client{Store: f.Store, Now: f.Now(), Sink: f.Sink}}
	for _, a := range archives {
		for _, p := range a.Pockets {
			po := &pocket{Pocket: p, archive: a}
			if locked := k.lockedPocket(po); locked != nil {
				if err := k.relist(ctx, po, locked.Indexes); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (k *locking) relist(ctx context.Context, po *pocket, indexes []lock.Index) error {
	for _, locked := range indexes {
		ix, err := lockedIndex(locked)
		if err != nil {
			return err
		}
		if !k.family.Store.Has(ix.Digest) {
			continue
		}
		job := k.client.Sink.Start(kiln.StepIndex, po.ID()+" "+ix.Path, ix.Size)
		_, err = k.client.Packages(ctx, po.Pocket, ix)
		if job.End(err) != nil {
			return err
		}
	}
	return nil
}
