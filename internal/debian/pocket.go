package debian

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/listing"
	"kiln/internal/lock"
	"kiln/internal/resolve"
)

// pocket is one pocket while a lock is made.
type pocket struct {
	apt.Pocket
	archive archive
	kept    bool // locked is of the old lock

	mu      sync.Mutex
	locked  lock.Pocket  // the state that the lock will record
	release *apt.Release // judged; of a kept pocket only once it was needed
}

// open takes the pocket's state from the old lock, or from the archive as it is now.
func (p *pocket) open(ctx context.Context, k *locking) error {
	if old := k.lockedPocket(p); old != nil && !k.moves() {
		p.locked, p.kept = *old, true
		if k.update.Doubt {
			return p.reread(ctx, k)
		}
		p.locked.Indexes = slices.Clone(old.Indexes)
		return nil
	}
	k.client.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Started, Subject: p.ID()})
	rel, err := k.client.Release(ctx, p.Pocket)
	if err == nil {
		err = k.refuseOlder(p, rel)
	}
	if err != nil {
		return err
	}
	k.client.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Finished, Subject: p.ID()})
	p.release = rel
	p.locked = lockedRelease(p.Pocket, rel, k.update.At)
	return nil
}

// reread takes from the old lock the digest of a Release alone, and all else from what
// was signed.
func (p *pocket) reread(ctx context.Context, k *locking) error {
	rel, err := p.reopen(ctx, k)
	if err != nil {
		return &kiln.Error{
			Code: kiln.CodeOf(err), Text: err.Error(), Err: err,
			Hints: append([]string{"move the lock to what the archives hold now: kiln lock --update"}, kiln.HintsOf(err)...),
		}
	}
	at := time.Time{}
	if p.locked.JudgedAt != nil {
		at = *p.locked.JudgedAt
	}
	p.release, p.locked = rel, lockedRelease(p.Pocket, rel, at)
	return nil
}

// moves tells whether the lock is to move to what the archives hold now.
func (k *locking) moves() bool { return k.update.All || len(k.update.Packages) > 0 }

// refuseOlder refuses a Release that is older than the lock's: the lock remembers
// what was accepted where the store is new, as it is in CI.
func (k *locking) refuseOlder(p *pocket, rel *apt.Release) error {
	old := k.lockedPocket(p)
	if old == nil || !k.update.At.IsZero() || !rel.Date.Before(old.Date) {
		return nil
	}
	return &kiln.Error{
		Code: kiln.Refused,
		Text: fmt.Sprintf("cannot use the archive %q: its Release of %s is older than the one in the lock, of %s",
			p.ID(), rel.Date.Format(time.RFC3339), old.Date.Format(time.RFC3339)),
		Hints: []string{"try another mirror, or later", "to go back on purpose: kiln lock --update --at TIME"},
	}
}

// lockedPocket finds a pocket in the old lock.
func (k *locking) lockedPocket(p *pocket) *lock.Pocket {
	if k.old == nil {
		return nil
	}
	for _, a := range k.old.Archives {
		if a.Name != p.archive.Name || a.Suite != p.archive.Suite {
			continue
		}
		for i := range a.Pockets {
			if a.Pockets[i].Name == p.Name && a.Pockets[i].Suite == p.Suite {
				return &a.Pockets[i]
			}
		}
	}
	return nil
}

// lockedRelease is a judged Release as the lock records it.
func lockedRelease(p apt.Pocket, rel *apt.Release, at time.Time) lock.Pocket {
	locked := lock.Pocket{
		Name:      p.Name,
		Suite:     p.Suite,
		Codename:  rel.Codename,
		Release:   rel.Digest,
		Signature: rel.Signature,
		Date:      rel.Date,
	}
	if !rel.ValidUntil.IsZero() {
		locked.ValidUntil = &rel.ValidUntil
	}
	if !at.IsZero() {
		locked.JudgedAt = &at
	}
	for _, s := range rel.Signers {
		locked.Signers = append(locked.Signers, lock.Signer{Fingerprint: s.Fingerprint, Name: s.Name})
	}
	return locked
}

// stocks reads the packages that the pocket has for any of archs.
func (p *pocket) stocks(ctx context.Context, k *locking, archs []string) ([]resolve.Stock, error) {
	var stocks []resolve.Stock
	read := map[string]bool{}
	for _, arch := range archs {
		indexes, err := p.indexes(ctx, k, arch)
		if err != nil {
			return nil, err
		}
		for _, ix := range indexes {
			if read[ix.Path] {
				continue
			}
			read[ix.Path] = true
			job := k.client.Sink.Start(kiln.StepIndex, p.ID()+" "+ix.Path, ix.Size)
			list, err := k.client.Packages(ctx, p.Pocket, ix)
			if err == nil {
				list, err = only(list, archs)
			}
			if job.End(err) != nil {
				return nil, err
			}
			stocks = append(stocks, p.stock(list))
		}
	}
	return stocks, nil
}

// stock is a listing of packages as the pocket has them.
func (p *pocket) stock(list *listing.List) resolve.Stock {
	return resolve.Stock{List: list, Archive: p.ID(), Source: p.archive.Name, Priority: p.archive.priority}
}

// only takes the packages of some architectures out of a listing. An index that is
// for one architecture has no others.
func only(list *listing.List, archs []string) (*listing.List, error) {
	foreign := func(arch string) bool { return arch != "all" && !slices.Contains(archs, arch) }
	if !slices.ContainsFunc(list.Architectures(), foreign) {
		return list, nil
	}
	var packages []*deb.Package
	for i := range list.Len() {
		if p := list.Package(i); !foreign(p.Architecture) {
			packages = append(packages, p)
		}
	}
	return listing.New(packages)
}

// indexes lists the pocket's indexes for arch and records them. Of a kept pocket
// they are those of the old lock, unless it never asked for arch.
func (p *pocket) indexes(ctx context.Context, k *locking, arch string) ([]apt.Index, error) {
	if p.kept && p.covers(arch) {
		return p.lockedIndexes(arch)
	}
	rel, err := p.judged(ctx, k)
	if err != nil {
		return nil, err
	}
	indexes, err := k.client.Indexes(ctx, p.Pocket, rel, arch)
	if err != nil {
		return nil, err
	}
	p.record(indexes)
	return indexes, nil
}

// record adds indexes to what the lock will say of the pocket.
func (p *pocket) record(indexes []apt.Index) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ix := range indexes {
		if !slices.ContainsFunc(p.locked.Indexes, func(l lock.Index) bool { return l.Path == ix.Path }) {
			p.locked.Indexes = append(p.locked.Indexes, lock.Index{
				Component: ix.Component, Architecture: ix.Architecture, Path: ix.Path, SHA256: ix.Digest.Hex(), Size: ix.Size,
			})
		}
	}
}

// judged is the pocket's Release, judged.
func (p *pocket) judged(ctx context.Context, k *locking) (*apt.Release, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release == nil {
		rel, err := p.reopen(ctx, k)
		if err != nil {
			return nil, err
		}
		p.release = rel
	}
	return p.release, nil
}

// reopen judges the Release of a kept pocket again, as of when it was judged for
// the lock: that it may have expired since does not matter, the lock pins it.
func (p *pocket) reopen(ctx context.Context, k *locking) (*apt.Release, error) {
	client, err := k.family.client(judgedAt(p.locked))
	if err != nil {
		return nil, err
	}
	return client.Locked(ctx, p.Pocket, p.locked.Release, p.locked.Signature)
}

// judgedAt is the time as of which a locked Release is judged again.
func judgedAt(p lock.Pocket) time.Time {
	if p.JudgedAt != nil {
		return *p.JudgedAt
	}
	return p.Date
}

// covers tells whether the lock records an index of arch for every component.
func (p *pocket) covers(arch string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Flat() {
		return len(p.locked.Indexes) > 0
	}
	for _, c := range p.Components {
		if !slices.ContainsFunc(p.locked.Indexes, func(l lock.Index) bool {
			return l.Component == c && l.Architecture == arch
		}) {
			return false
		}
	}
	return true
}

// lockedIndexes lists what the lock records for arch.
func (p *pocket) lockedIndexes(arch string) ([]apt.Index, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []apt.Index
	for _, l := range p.locked.Indexes {
		if !p.Flat() && (!slices.Contains(p.Components, l.Component) || l.Architecture != arch && l.Architecture != "all") {
			continue
		}
		ix, err := lockedIndex(l)
		if err != nil {
			return nil, err
		}
		list = append(list, ix)
	}
	return list, nil
}

// lockedIndex is an index as the lock names it.
func lockedIndex(l lock.Index) (apt.Index, error) {
	d, err := kiln.DigestFromHex(l.SHA256)
	if err != nil {
		return apt.Index{}, fmt.Errorf("bug: the lock was read with a bad digest: %w", err)
	}
	return apt.Index{Component: l.Component, Architecture: l.Architecture, Path: l.Path, Digest: d, Size: l.Size}, nil
}
