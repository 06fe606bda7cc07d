package debian

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/listing"
	"kiln/internal/lock"
	"kiln/internal/resolve"
)

// pinned returns as stocks what old locks, is not to move, and stands in no
// index any more: an archive such as Debian's lists a version only until there is
// a newer one. What such a package needs is read from its .deb, which the build
// needs anyway. One that no mirror has is let go, with a warning.
func (k *locking) pinned(ctx context.Context, old *lock.Platform, listed []resolve.Stock) ([]resolve.Stock, error) {
	if old == nil {
		return nil, nil
	}
	all := old.All()
	slices.SortStableFunc(all, func(a, b lock.Package) int { return cmp.Compare(a.SHA256, b.SHA256) })
	all = slices.CompactFunc(all, func(a, b lock.Package) bool { return a.SHA256 == b.SHA256 && a.Archive == b.Archive })
	found := make([]*deb.Package, len(all))
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range all {
		po := k.pocketNamed(p.Archive)
		if po == nil || slices.Contains(k.update.Packages, p.Name) || lists(listed, p) {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = k.unlisted(ctx, po, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var stocks []resolve.Stock
	for _, po := range k.pockets {
		var packages []*deb.Package
		for i, p := range found {
			if p != nil && all[i].Archive == po.ID() {
				packages = append(packages, p)
			}
		}
		if packages == nil {
			continue
		}
		list, err := listing.New(packages)
		if err != nil {
			return nil, err
		}
		stocks = append(stocks, po.stock(list))
	}
	return stocks, nil
}

// lists reports whether a stock has the locked package. These very bytes it must
// be: another archive may have the same version with others.
func lists(stocks []resolve.Stock, p lock.Package) bool {
	return slices.ContainsFunc(stocks, func(s resolve.Stock) bool {
		for i, end := s.Named(p.Name); i < end; i++ {
			if s.Package(i).SHA256 == p.SHA256 {
				return true
			}
		}
		return false
	})
}

// pocketNamed finds the pocket that a lock's packages call by that name; nil for
// local packages, and where the recipe has no such source any more.
func (k *locking) pocketNamed(name string) *pocket {
	i := slices.IndexFunc(k.pockets, func(p *pocket) bool { return p.ID() == name })
	if i < 0 {
		return nil
	}
	return k.pockets[i]
}

// unlisted reads a locked package out of its .deb; nil where it is gone.
func (k *locking) unlisted(ctx context.Context, po *pocket, p lock.Package) (*deb.Package, error) {
	d, err := kiln.DigestFromHex(p.SHA256)
	if err != nil {
		return nil, fmt.Errorf("bug: the lock was read with a bad digest: %w", err)
	}
	subject := p.Name + " " + p.Version
	err = k.client.Fetch(ctx, []apt.Item{{Pocket: po.Pocket, Path: p.Path, Digest: d, Size: p.Size, Subject: subject}})
	if apt.Gone(err) || k.update.Doubt && kiln.CodeOf(err) == kiln.Refused {
		k.family.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Warning, Subject: subject,
			Text: fmt.Sprintf("cannot keep %s: the archive %q has it no more", subject, po.ID())})
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	blob, err := k.family.Store.Verified(d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	pkg, err := packageOf(blob, blob.Size())
	if err != nil {
		return nil, fmt.Errorf("cannot read the locked package %q: %w", p.Path, err)
	}
	pkg.Filename, pkg.SHA256, pkg.Size = p.Path, p.SHA256, p.Size
	return pkg, nil
}

// packageOf reads what a .deb says about itself.
func packageOf(r io.ReaderAt, size int64) (*deb.Package, error) {
	a, err := deb.Open(r, size)
	if err != nil {
		return nil, err
	}
	c, err := a.Control()
	if err != nil {
		return nil, err
	}
	p := *c.Package
	return &p, nil
}
