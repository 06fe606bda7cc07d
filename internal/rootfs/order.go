package rootfs

import "slices"

// unpackOrder sorts so that what is required comes before what requires it,
// first by name where that is open, and starting a cycle at its first name.
// Packages with the links of the merged /usr come before all others, so that
// paths below those links find them.
func unpackOrder(units []*unit) []*unit {
	sorted := slices.Clone(units)
	slices.SortFunc(sorted, byID)
	requires := requirements(sorted)
	done := map[*unit]bool{}
	var order []*unit
	var visit func(*unit)
	visit = func(u *unit) {
		if done[u] {
			return
		}
		done[u] = true
		for _, r := range requires[u] {
			visit(r)
		}
		order = append(order, u)
	}
	for _, u := range sorted {
		visit(u)
	}
	slices.SortStableFunc(order, func(x, y *unit) int { return boolOrder(!x.shipsMergedLinks(), !y.shipsMergedLinks()) })
	return order
}

// boolOrder puts false before true.
func boolOrder(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// requirements lists for each of the sorted units what it requires among them:
// the lock's edges and those of its own control file.
func requirements(sorted []*unit) map[*unit][]*unit {
	byName, locked := map[string][]*unit{}, map[string][]*unit{}
	for _, u := range sorted {
		byName[u.ID.Name] = append(byName[u.ID.Name], u)
		locked[u.name()] = append(locked[u.name()], u)
	}
	edges := map[*unit][]*unit{}
	for _, u := range sorted {
		for _, d := range slices.Concat(u.pkg.PreDepends, u.pkg.Depends) {
			for _, r := range d {
				edges[u] = append(edges[u], byName[r.Name]...)
			}
		}
	}
	for _, u := range sorted {
		for _, requirer := range u.RequiredBy {
			for _, r := range locked[requirer] {
				edges[r] = append(edges[r], u)
			}
		}
	}
	return edges
}
