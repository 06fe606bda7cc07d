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
	"kiln/internal/tree"
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
	licences, newest := w.licences(), w.newest()
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
		if e, ok := newest[p.Name]; ok {
			f.Newest = facts.At(e)
		} else {
			w.unknown("pkg.newest", "no file of some packages is there, or none has a time")
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

// newest are the times of the newest files of packages that nothing has changed, by
// name. Links and folders do not count: others may have them, too.
func (w *work) newest() map[string]kiln.Epoch {
	all := map[string]kiln.Epoch{}
	if !w.Origins && !w.look.Lists {
		return all
	}
	for e := range w.Tree.All() {
		shipped := !w.Origins || e.Origin.Script == "" && e.Origin.Recipe == "" && e.Origin.Rule == ""
		if e.Type == tree.File && shipped && e.ModTime > 0 {
			name := w.look.PackageOf(e.Path)
			all[name] = max(all[name], e.ModTime)
		}
	}
	return all
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
