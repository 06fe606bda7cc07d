package debian

import (
	"context"
	"fmt"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// Fetch implements bake.Family.
func (f *Family) Fetch(ctx context.Context, r *recipe.Recipe, l *lock.Lock, platforms []kiln.Platform) error {
	pockets, err := pocketsOf(r)
	if err != nil {
		return err
	}
	var items []apt.Item
	listed := map[string]bool{}
	for _, p := range platforms {
		for _, pkg := range l.Platforms[p].Packages {
			if listed[pkg.SHA256] {
				continue
			}
			listed[pkg.SHA256] = true
			d, err := kiln.DigestFromHex(pkg.SHA256)
			if err != nil {
				return fmt.Errorf("bug: the lock was read with a bad digest: %w", err)
			}
			if pkg.Archive == localArchive {
				if err := f.fetchLocal(r, pkg.Path, d); err != nil {
					return err
				}
				continue
			}
			pocket, ok := pockets[pkg.Archive]
			if !ok {
				return &kiln.Error{
					Code:  kiln.User,
					Text:  fmt.Sprintf("cannot fetch %s %s: the lock takes it from %q, which is no source of the recipe", pkg.Name, pkg.Version, pkg.Archive),
					Hints: []string{"kiln lock --update"},
				}
			}
			items = append(items, apt.Item{Pocket: pocket, Path: pkg.Path, Digest: d, Size: pkg.Size, Subject: pkg.Name + " " + pkg.Version})
		}
	}
	client, err := f.client(time.Time{})
	if err != nil {
		return err
	}
	return client.Fetch(ctx, items)
}

// fetchAll is Fetch of the packages of the stages as well.
func (f *Family) fetchAll(ctx context.Context, r *recipe.Recipe, l *lock.Lock, platforms []kiln.Platform) error {
	all := *l
	all.Platforms = map[kiln.Platform]*lock.Platform{}
	for _, p := range platforms {
		all.Platforms[p] = &lock.Platform{Packages: l.Platforms[p].All()}
	}
	return f.Fetch(ctx, r, &all, platforms)
}

// pocketsOf maps the names by which a lock's packages call pockets to them.
func pocketsOf(r *recipe.Recipe) (map[string]apt.Pocket, error) {
	archives, err := archivesOf(r)
	if err != nil {
		return nil, err
	}
	pockets := map[string]apt.Pocket{}
	for _, a := range archives {
		for _, p := range a.Pockets {
			pockets[p.ID()] = p
		}
	}
	return pockets, nil
}
