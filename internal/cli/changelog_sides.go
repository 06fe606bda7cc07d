package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/compare"
	"kiln/internal/deb/changelog"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// packageSide is the packages of a side, and where their changelogs are.
type packageSide struct {
	*compare.Side
	lock     *lock.Lock     // nil of an image
	recipe   *recipe.Recipe // that can fetch for the lock; nil where there is none
	platform kiln.Platform  // of the lock
}

// packages is what is known of the packages of one side. No image is put together.
func (s *sides) packages(arg string) (*packageSide, error) {
	path := arg
	p := &packageSide{}
	switch sideKind(arg) {
	case "image":
		side, err := s.image(arg)
		return &packageSide{Side: side}, err
	case "recipe":
		r, err := recipe.Load(arg)
		if err != nil {
			return nil, err
		}
		path, p.recipe = lockPath(r.Path()), r
	case "lock":
		p.recipe = s.recipeOf(arg)
	}
	var err error
	if p.lock, p.platform, err = s.lockFile(path); err != nil {
		return nil, err
	}
	if wants, err := wantsOf(p.recipe); err == nil && wants != "" && wants != p.lock.Wants {
		s.app.ui.sink(kiln.Event{Step: kiln.StepLock, State: kiln.Warning, Text: fmt.Sprintf("the lock %s is older than its recipe: this tells of the lock", path)})
	}
	p.Side = &compare.Side{Name: arg, Kind: sideKind(arg), Platform: p.platform.String(), Packages: lockedPackages(p.lock, p.platform)}
	return p, nil
}

func wantsOf(r *recipe.Recipe) (kiln.Digest, error) {
	if r == nil {
		return "", nil
	}
	return r.Wants()
}

// recipeOf is the recipe that a lock stands beside, if there is one.
func (s *sides) recipeOf(lockFile string) *recipe.Recipe {
	r, err := recipe.Load(strings.TrimSuffix(lockFile, ".lock") + ".yaml")
	if err != nil {
		return nil
	}
	return r
}

// locked is a package of the side's lock.
func (p *packageSide) locked(name, architecture string) *lock.Package {
	if p.lock == nil {
		return nil
	}
	list := p.lock.Platforms[p.platform].Packages
	i := slices.IndexFunc(list, func(l lock.Package) bool {
		return l.Name == name && (architecture == "" || l.Architecture == architecture)
	})
	if i < 0 {
		return nil
	}
	return &list[i]
}

// fetch brings packages of the side's lock into the store, where a recipe knows
// from where.
func (s *sides) fetch(p *packageSide, names []string) error {
	if p.lock == nil || p.recipe == nil || len(names) == 0 {
		return nil
	}
	part := &lock.Platform{}
	for _, pkg := range p.lock.Platforms[p.platform].Packages {
		if slices.Contains(names, pkg.Name) {
			part.Packages = append(part.Packages, pkg)
		}
	}
	few := *p.lock
	few.Platforms = map[kiln.Platform]*lock.Platform{p.platform: part}
	return s.family.Fetch(s.cmd.Context(), p.recipe, &few, []kiln.Platform{p.platform})
}

// entries are the changelog of a package and the version of its source. Where there
// is no changelog, why says so.
func (s *sides) entries(p *packageSide, name, architecture string) (list []changelog.Entry, sourceVersion, why string, err error) {
	if p.lock == nil {
		return s.imageEntries(p.Side, name, architecture)
	}
	for hops := 0; hops < 3; hops++ {
		pkg := p.locked(name, architecture)
		if pkg == nil {
			return nil, sourceVersion, fmt.Sprintf("it shares the documents of %s, which is not in the lock", name), nil
		}
		if p.recipe != nil {
			if err := s.fetch(p, []string{name}); err != nil {
				return nil, "", "", err
			}
		}
		h, err := s.family.History(*pkg)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, sourceVersion, "the store does not have the package, and no recipe beside the lock tells where to fetch it", nil
		}
		if err != nil {
			return nil, "", "", err
		}
		if sourceVersion == "" {
			sourceVersion = h.SourceVersion
		}
		if h.Entries != nil || h.Shares == "" || h.Shares == name {
			return h.Entries, sourceVersion, map[bool]string{true: "the package has no changelog"}[h.Entries == nil], nil
		}
		name, architecture = h.Shares, ""
	}
	return nil, sourceVersion, "the package has no changelog of its own", nil
}

// imageEntries looks for a changelog among what the image has left of documents.
func (s *sides) imageEntries(side *compare.Side, name, architecture string) (list []changelog.Entry, sourceVersion, why string, err error) {
	source := name
	for i := range side.Packages {
		if p := &side.Packages[i]; p.Name == name && p.Architecture == architecture {
			source, sourceVersion = p.Source, p.SourceVersion
		}
	}
	files := map[string][]byte{}
	dir, err := side.Tree.ResolveInside("usr/share/doc/" + name)
	if err == nil {
		for _, p := range side.Tree.Children(dir) {
			e, _ := side.Tree.Lookup(p)
			if e.Type != tree.File || !strings.HasPrefix(path.Base(p), "changelog") {
				continue
			}
			if files[path.Base(p)], err = readEntry(side.Contents, e); err != nil {
				return nil, "", "", err
			}
		}
	}
	list, err = changelog.Of(files, source)
	if err == nil && list == nil {
		why = "the image has left its changelog out: name the recipe or its lock in place of the image"
	}
	return list, sourceVersion, why, err
}

func readEntry(c tree.Contents, e tree.Entry) ([]byte, error) {
	r, err := c.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// sourceVersion is the version of a package's source on the older side, as far as it
// can be known: most packages have that of their source.
func (s *sides) sourceVersion(p *packageSide, c compare.PackageChange, sameInNew bool) string {
	for i := range p.Packages {
		if q := &p.Packages[i]; q.Name == c.Name && q.Architecture == c.Architecture && q.SourceVersion != "" {
			return q.SourceVersion
		}
	}
	if pkg := p.locked(c.Name, c.Architecture); pkg != nil {
		if v, ok := s.family.SourceVersion(*pkg); ok {
			return v
		}
	}
	if sameInNew {
		return withoutRebuild(c.Before)
	}
	return ""
}

// rebuild is how the version of a package ends that was only built again (Debian
// developer's reference, 5.10.2.1).
var rebuild = regexp.MustCompile(`\+b[0-9]+$`)

func withoutRebuild(version string) string { return rebuild.ReplaceAllString(version, "") }
