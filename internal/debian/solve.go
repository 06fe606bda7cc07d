package debian

import (
	"context"

	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// solve resolves one platform against the candidates of its sources.
func solve(ctx context.Context, r *recipe.Recipe, arch string, candidates []resolve.Candidate, old *lock.Platform, update []string) (*lock.Platform, error) {
	wants := wantsOf(r)
	sol, err := resolve.Resolve(ctx, resolve.NewIndex(candidates), resolve.Request{
		Arch:         arch,
		ForeignArchs: foreign(wants, arch),
		Wants:        wants,
		Essential:    r.Essential,
		Pinned:       pins(old, candidates),
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
	return locked, nil
}

// pins maps "name:arch" to what is locked. A local .deb was named since the lock
// was made, or it would be locked: an archive's package of its name gives way.
func pins(old *lock.Platform, candidates []resolve.Candidate) map[string]resolve.Pin {
	if old == nil {
		return nil
	}
	local := map[string]bool{}
	for _, c := range candidates {
		if c.Archive == localArchive {
			local[c.Name] = true
		}
	}
	pinned := map[string]resolve.Pin{}
	for _, p := range old.Packages {
		if p.Archive == localArchive || !local[p.Name] {
			pinned[p.Name+":"+p.Architecture] = resolve.Pin{Version: p.Version, SHA256: p.SHA256}
		}
	}
	return pinned
}
