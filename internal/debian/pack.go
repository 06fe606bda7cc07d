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
	"kiln/internal/listing"
	"kiln/internal/lock"
	"kiln/internal/pack"
	"kiln/internal/recipe"
)

var _ bake.Archivist = (*Family)(nil)

// Inputs implements bake.Archivist. What the store lost is fetched again, by the
// lock's digests.
func (f *Family) Inputs(ctx context.Context, r *recipe.Recipe, l *lock.Lock) ([]pack.Input, error) {
	pockets, err := lockedPockets(r, l)
	if err != nil {
		return nil, err
	}
	var inputs []pack.Input
	for _, p := range pockets {
		more, err := f.pocketInputs(ctx, p)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, more...)
	}
	platforms := platformsOf(l)
	if err := f.fetchAll(ctx, r, l, platforms); err != nil {
		return nil, err
	}
	seen := map[string]bool{} // image and stages share packages
	for _, p := range platforms {
		for _, pkg := range l.Platforms[p].All() {
			id := fmt.Sprint(p) + pkg.Archive + pkg.SHA256
			if pkg.Archive == localArchive || seen[id] {
				continue
			}
			seen[id] = true
			d, err := kiln.DigestFromHex(pkg.SHA256)
			if err != nil {
				return nil, fmt.Errorf("bug: the lock was read with a bad digest: %w", err)
			}
			inputs = append(inputs, pack.Input{Kind: pack.Package, Title: pack.InArchive(pkg.Archive, pkg.Path), Digest: d, Size: pkg.Size})
		}
	}
	return inputs, nil
}

// lockedPocket is a pocket of a lock, and what it is in the recipe's terms.
type lockedPocket struct {
	apt.Pocket
	locked  lock.Pocket
	indexes []apt.Index
}

func lockedPockets(r *recipe.Recipe, l *lock.Lock) ([]lockedPocket, error) {
	known, err := pocketsOf(r)
	if err != nil {
		return nil, err
	}
	var list []lockedPocket
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			id := a.Name + "/" + p.Suite
			pocket, ok := known[id]
			if !ok {
				return nil, &kiln.Error{
					Code:  kiln.User,
					Text:  fmt.Sprintf("cannot use the lock: it names the archive %q, which is no source of the recipe", id),
					Hints: []string{"kiln lock --update"},
				}
			}
			l := lockedPocket{Pocket: pocket, locked: p}
			for _, ix := range p.Indexes {
				index, err := lockedIndex(ix)
				if err != nil {
					return nil, err
				}
				l.indexes = append(l.indexes, index)
			}
			list = append(list, l)
		}
	}
	return list, nil
}

// platformsOf lists the platforms of a lock, in a fixed order.
func platformsOf(l *lock.Lock) []kiln.Platform {
	return slices.DeleteFunc(kiln.Platforms(), func(p kiln.Platform) bool { return l.Platforms[p] == nil })
}

// pocketInputs brings the Release and the indexes of a pocket into the store.
func (f *Family) pocketInputs(ctx context.Context, p lockedPocket) ([]pack.Input, error) {
	client, err := f.client(judgedAt(p.locked))
	if err != nil {
		return nil, err
	}
	if _, err := client.Locked(ctx, p.Pocket, p.locked.Release, p.locked.Signature); err != nil {
		return nil, err
	}
	keys, n, err := f.Store.PutBytes(p.Keys.Bytes())
	if err != nil {
		return nil, err
	}
	inputs := []pack.Input{{Kind: pack.Key, Title: pack.KeysOf(p.ID()), Digest: keys, Size: n}}
	add := func(kind pack.Kind, name string, d kiln.Digest) error {
		size, err := f.Store.Size(d)
		inputs = append(inputs, pack.Input{Kind: kind, Title: pack.InArchive(p.ID(), p.Path(name)), Digest: d, Size: size})
		return err
	}
	name := "InRelease"
	if p.locked.Signature != "" {
		name = "Release"
		if err := add(pack.Signature, "Release.gpg", p.locked.Signature); err != nil {
			return nil, err
		}
	}
	if err := add(pack.Release, name, p.locked.Release); err != nil {
		return nil, err
	}
	for _, ix := range p.indexes {
		if err := client.Load(ctx, p.Pocket, ix); err != nil {
			return nil, err
		}
		if err := add(pack.Index, ix.Path, ix.Digest); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// Vouch implements bake.Archivist.
func (f *Family) Vouch(ctx context.Context, r *recipe.Recipe, l *lock.Lock) (*bake.Chain, error) {
	pockets, err := lockedPockets(r, l)
	if err != nil {
		return nil, err
	}
	chain := &bake.Chain{Archives: []bake.ChainLink{}}
	listed := map[string]bool{} // by archive and digest
	for _, p := range pockets {
		link, err := f.vouch(ctx, p, wantedOf(l, p.ID()), listed)
		if err != nil {
			return nil, err
		}
		chain.Archives = append(chain.Archives, link)
	}
	for _, pkg := range packagesOf(l) {
		switch name := pkg.Name + " " + pkg.Version + " " + pkg.Architecture; {
		case pkg.Archive == localArchive:
			chain.Local = append(chain.Local, name)
		case !listed[pkg.Archive+pkg.SHA256]:
			chain.LockAlone = append(chain.LockAlone, name)
		}
	}
	return chain, nil
}

// packagesOf lists the packages of all platforms of a lock, each once.
func packagesOf(l *lock.Lock) []lock.Package {
	var list []lock.Package
	seen := map[string]bool{}
	for _, p := range platformsOf(l) {
		for _, pkg := range l.Platforms[p].All() {
			if key := pkg.Archive + " " + pkg.Path + " " + pkg.SHA256; !seen[key] {
				seen[key] = true
				list = append(list, pkg)
			}
		}
	}
	return list
}

// wantedOf lists the packages that a lock takes from one pocket.
func wantedOf(l *lock.Lock, id string) []lock.Package {
	return slices.DeleteFunc(packagesOf(l), func(p lock.Package) bool { return p.Archive != id })
}

// vouch checks the chain of one pocket, and notes which packages it leads to.
func (f *Family) vouch(ctx context.Context, p lockedPocket, wanted []lock.Package, listed map[string]bool) (bake.ChainLink, error) {
	at := judgedAt(p.locked)
	link := bake.ChainLink{Archive: p.ID(), Release: p.locked.Release, Date: p.locked.Date, AsOf: at, Signers: p.locked.Signers}
	job := f.Sink.Start(kiln.StepVerify, "chain of "+p.ID(), 0)
	defer job.Fail()
	client, err := f.client(at)
	if err != nil {
		return link, err
	}
	rel, err := client.Locked(ctx, p.Pocket, p.locked.Release, p.locked.Signature)
	if err != nil {
		return link, err
	}
	if err := p.checkRelease(rel); err != nil {
		return link, err
	}
	lists, err := p.listings(ctx, client, rel)
	if err != nil {
		return link, err
	}
	link.Indexes = len(lists)
	for _, pkg := range wanted {
		key := pkg.Archive + pkg.SHA256
		if !listed[key] && slices.ContainsFunc(lists, func(l *listing.List) bool { return holds(l, pkg) }) {
			listed[key] = true
			link.Packages++
		}
	}
	job.Finish()
	return link, nil
}

// listings reads the locked indexes, which the Release must vouch for, all at once.
func (p lockedPocket) listings(ctx context.Context, client *apt.Client, rel *apt.Release) ([]*listing.List, error) {
	for _, ix := range p.indexes {
		if !rel.Lists(ix) {
			return nil, p.refuse("its Release does not vouch for the index %q: %s", ix.Path, ix.Digest)
		}
	}
	lists := make([]*listing.List, len(p.indexes))
	group, ctx := errgroup.WithContext(ctx)
	for i, ix := range p.indexes {
		group.Go(func() (err error) {
			lists[i], err = client.Packages(ctx, p.Pocket, ix)
			return err
		})
	}
	return lists, group.Wait()
}

// holds tells whether an index lists the locked package, as it is in all that the
// lock says.
func holds(list *listing.List, l lock.Package) bool {
	for i, end := list.Named(l.Name); i < end; i++ {
		p := list.Package(i)
		if p.SHA256 == l.SHA256 && p.Size == l.Size && p.Filename == l.Path && p.Architecture == l.Architecture && p.Version == l.Version {
			return true
		}
	}
	return false
}

// checkRelease compares what the lock says of a Release with what it is.
func (p lockedPocket) checkRelease(rel *apt.Release) error {
	l := p.locked
	var validUntil time.Time
	if l.ValidUntil != nil {
		validUntil = *l.ValidUntil
	}
	switch {
	case !rel.Date.Equal(l.Date):
		return p.refuse("its Release is of %s, and the lock says %s", rel.Date.Format(time.RFC3339), l.Date.Format(time.RFC3339))
	case !rel.ValidUntil.Equal(validUntil):
		return p.refuse("its Release is valid until %s, and the lock says %s", rel.ValidUntil.Format(time.RFC3339), validUntil.Format(time.RFC3339))
	case rel.Codename != l.Codename:
		return p.refuse("its Release calls itself %q, and the lock says %q", rel.Codename, l.Codename)
	}
	for _, s := range l.Signers {
		if !slices.ContainsFunc(rel.Signers, func(k apt.Key) bool { return k.Fingerprint == s.Fingerprint }) {
			return p.refuse("the lock says that %s signed its Release, and no good signature of that key is there", s.Fingerprint)
		}
	}
	return nil
}

func (p lockedPocket) refuse(format string, args ...any) error {
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  fmt.Sprintf("cannot use the archive %q: the lock's chain is broken: ", p.ID()) + fmt.Sprintf(format, args...),
		Hints: []string{"make the lock anew, from the archive: kiln lock --update"},
	}
}
