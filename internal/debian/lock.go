package debian

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/deb"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// locking is one run of Lock.
type locking struct {
	family  *Family
	recipe  *recipe.Recipe
	old     *lock.Lock // nil where there is none
	update  bake.Update
	client  *apt.Client
	pockets []*pocket
}

// Lock implements bake.Family. Archives that the old lock knows stay as they
// were locked unless u moves them; others are taken as they are now.
func (f *Family) Lock(ctx context.Context, r *recipe.Recipe, old *lock.Lock, u bake.Update) (*lock.Lock, error) {
	if err := checkUpdate(old, u); err != nil {
		return nil, err
	}
	client, err := f.client(u.At)
	if err != nil {
		return nil, err
	}
	k := &locking{family: f, recipe: r, old: old, update: u, client: client}
	if err := k.open(ctx); err != nil {
		return nil, err
	}
	platforms, err := k.platforms(ctx)
	if err != nil {
		return nil, err
	}
	return &lock.Lock{Format: lock.Format, Archives: k.archives(), Platforms: platforms}, nil
}

// platforms resolves every platform of the recipe, all at once. Of several
// errors, the first platform's is reported.
func (k *locking) platforms(ctx context.Context) (map[kiln.Platform]*lock.Platform, error) {
	list := make([]*lock.Platform, len(k.recipe.Platforms))
	errs := make([]error, len(list))
	var group errgroup.Group
	for i, p := range k.recipe.Platforms {
		group.Go(func() error {
			list[i], errs[i] = k.platform(ctx, p)
			return nil
		})
	}
	_ = group.Wait()
	platforms := map[kiln.Platform]*lock.Platform{}
	for i, p := range k.recipe.Platforms {
		if errs[i] != nil {
			return nil, errs[i]
		}
		platforms[p] = list[i]
	}
	return platforms, nil
}

// checkUpdate refuses to update packages that are not locked.
func checkUpdate(old *lock.Lock, u bake.Update) error {
	for _, name := range u.Packages {
		known := false
		if old != nil {
			for _, p := range old.Platforms {
				known = known || slices.ContainsFunc(p.Packages, func(q lock.Package) bool { return q.Name == name })
			}
		}
		if !known {
			return &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot update %q: the lock holds no package of that name", name),
				Hints: []string{"update everything: kiln lock --update"},
			}
		}
	}
	return nil
}

// client makes an archive client that judges as of at, or of now.
func (f *Family) client(at time.Time) (*apt.Client, error) {
	mirrors, err := apt.FindMirrors(f.Mirrors)
	if err != nil {
		return nil, err
	}
	asOf := !at.IsZero()
	if !asOf {
		at = f.Now()
	}
	return &apt.Client{Store: f.Store, Mirrors: mirrors, Now: at, AsOf: asOf, Sink: f.Sink, Retry: f.Retry}, nil
}

// open settles the state of every pocket, all at once.
func (k *locking) open(ctx context.Context) error {
	archives, err := archivesOf(k.recipe)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, a := range archives {
		for _, p := range a.Pockets {
			po := &pocket{Pocket: p, archive: a}
			k.pockets = append(k.pockets, po)
			group.Go(func() error { return po.open(ctx, k) })
		}
	}
	return group.Wait()
}

// platform resolves one platform.
func (k *locking) platform(ctx context.Context, p kiln.Platform) (*lock.Platform, error) {
	arch, err := deb.Architecture(p)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot build for %s: %v", p, err)}
	}
	archs := append([]string{arch}, foreign(wantsOf(k.recipe), arch)...)
	lists := make([][]resolve.Stock, len(k.pockets))
	group, gctx := errgroup.WithContext(ctx)
	for i, po := range k.pockets {
		group.Go(func() (err error) {
			lists[i], err = po.stocks(gctx, k, archs)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	stocks := slices.Concat(lists...)
	local, err := k.family.localStock(k.recipe, archs)
	if err != nil {
		return nil, err
	}
	stocks = append(stocks, local)
	var old *lock.Platform
	if k.old != nil && !k.update.All {
		old = k.old.Platforms[p]
	}
	kept, err := k.pinned(ctx, old, stocks)
	if err != nil {
		return nil, err
	}
	stocks = append(stocks, kept...)
	defer k.client.Sink.Start(kiln.StepResolve, p.String(), 0).Finish()
	return solve(ctx, k.recipe, p, arch, stocks, pins(old, local.List), k.update.Packages)
}

// archives is the state of the archives as the lock records it.
func (k *locking) archives() []lock.Archive {
	var list []lock.Archive
	for _, po := range k.pockets {
		if n := len(list); n == 0 || list[n-1].Name != po.archive.Name || list[n-1].Suite != po.archive.Suite {
			list = append(list, lock.Archive{Name: po.archive.Name, Suite: po.archive.Suite})
		}
		last := &list[len(list)-1]
		last.Pockets = append(last.Pockets, po.locked)
	}
	return list
}
