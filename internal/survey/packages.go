package survey

import (
	"cmp"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/compare"
	"kiln/internal/deb/copyright"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/sbom"
)

func (w *work) packages(side *compare.Side) error {
	all, err := side.Installed()
	if err != nil {
		return fmt.Errorf("cannot look into %s: %w", w.Name, err)
	}
	locked := w.locked()
	if len(all) == 0 {
		for _, l := range locked {
			all = append(all, compare.Package{Name: l.Name, Version: l.Version, Architecture: l.Architecture, Source: l.Source})
		}
	}
	if len(all) == 0 && w.Lock == nil {
		w.unknown("packages", "the image has no database of packages that kiln reads (/var/lib/dpkg/status, status.d)")
		return nil
	}
	if w.Lock == nil {
		w.unknown("pkg.archive", noLock)
		w.unknown("pkg.required_by", noLock)
	}
	if w.Recipe == nil {
		w.unknown("pkg.why", noRecipe)
	}
	if w.Inventory == nil {
		w.unknown("pkg.licences", "%s", cmp.Or(w.Evidence.Unknown["pkg.licences"], "the licences of the packages were not read"))
	}
	licences := w.licences()
	w.out.Packages = []facts.Package{}
	for _, p := range all {
		f := facts.Package{
			Name: p.Name, Version: p.Version, Architecture: p.Architecture, Source: p.Source, SourceVersion: p.SourceVersion,
			InstalledSize: p.Installed, Section: p.Section, Priority: p.Priority, Essential: p.Essential,
		}
		i := slices.IndexFunc(locked, func(l lock.Package) bool { return l.Name == p.Name && l.Architecture == p.Architecture })
		if i >= 0 {
			f.Archive, f.RequiredBy = &locked[i].Archive, list(locked[i].RequiredBy)
		}
		if w.Recipe != nil {
			why := w.why(p.Name, p.Architecture)
			f.Why = &why
		}
		if l, ok := licences[kiln.PackageID{Name: f.Name, Version: f.Version, Architecture: f.Architecture}]; ok && !l.Unread {
			f.Licences, f.Concluded = copyright.Identifiers(cmp.Or(l.Declared, l.Concluded)), l.Declared == "" && l.Concluded != ""
		} else if w.Inventory != nil {
			w.unknown("pkg.licences", "the image does not hold the copyright files of all its packages, and no record of a build tells of them")
		}
		w.out.Packages = append(w.out.Packages, f)
	}
	return nil
}

// licences are those of the inventory, by package.
func (w *work) licences() map[kiln.PackageID]sbom.Licence {
	all := map[kiln.PackageID]sbom.Licence{}
	if w.Inventory != nil {
		for _, p := range w.Inventory.Packages {
			all[kiln.PackageID{Name: p.Name, Version: p.Version, Architecture: p.Architecture}] = p.Licence
		}
	}
	return all
}

// locked are the packages of the lock for the image's platform.
func (w *work) locked() []lock.Package {
	if w.Lock == nil {
		return nil
	}
	for p, locked := range w.Lock.Platforms {
		if p.String() == w.Platform {
			return locked.Packages
		}
	}
	return nil
}

// why is the recipe's reason for a package; empty for one that it does not name.
func (w *work) why(name, architecture string) string {
	for _, l := range w.Recipe.Layers {
		for _, p := range l.Packages {
			if p.Name == name || p.Name == name+":"+architecture {
				return p.Why
			}
		}
	}
	return ""
}
