package debian

import (
	"context"

	"kiln"
	"kiln/internal/listing"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// solve resolves one platform against the stocks of its sources.
func solve(ctx context.Context, r *recipe.Recipe, p kiln.Platform, arch string, stocks []resolve.Stock, pinned map[string]resolve.Pin, update []string) (*lock.Platform, error) {
	r = extended(r, p)
	wants := append(wantsOf(r), bootWants(r, p)...)
	sol, err := resolve.Resolve(ctx, resolve.Join(stocks), resolve.Request{
		Arch:         arch,
		ForeignArchs: foreign(wants, arch),
		Wants:        wants,
		Essential:    r.Essential,
		Without:      withoutInitrdMakers(r),
		Pinned:       pinned,
		Update:       update,
	})
	if err != nil {
		return nil, err
	}
	locked := &lock.Platform{Packages: []lock.Package{}}
	for _, c := range sol.Packages {
		locked.Packages = append(locked.Packages, lock.Package{
			Name:         c.Name,
			Version:      c.Version,
			Architecture: c.Architecture,
			Source:       c.Package.Source,
			Archive:      c.Archive,
			Path:         c.Filename,
			SHA256:       c.SHA256,
			Size:         c.Size,
			RequiredBy:   c.RequiredBy,
		})
	}
	return locked, checkKernels(r, locked, arch)
}

// pins maps "name:arch" to what is locked. A local .deb was named since the lock
// was made, or it would be locked: an archive's package of its name gives way.
func pins(old *lock.Platform, local *listing.List) map[string]resolve.Pin {
	if old == nil {
		return nil
	}
	pinned := map[string]resolve.Pin{}
	for _, p := range old.Packages {
		if first, end := local.Named(p.Name); p.Archive == localArchive || first == end {
			pinned[p.Name+":"+p.Architecture] = resolve.Pin{Version: p.Version, SHA256: p.SHA256}
		}
	}
	return pinned
}
