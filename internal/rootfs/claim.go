package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/tree"
)

// claimPackages gives each path that is no directory to one package, and
// reports all paths that two want.
func (a *assembly) claimPackages() error {
	var conflicts []*conflict
	for _, l := range a.layers {
		for _, u := range l.units {
			for _, p := range u.places {
				if !p.in() {
					continue
				}
				if c := a.claim(p); c != nil {
					conflicts = append(conflicts, c)
				}
			}
		}
	}
	if conflicts == nil {
		a.clearPaths()
		return nil
	}
	slices.SortStableFunc(conflicts, func(x, y *conflict) int { return tree.Compare(x.second.entry.Path, y.second.entry.Path) })
	return conflictError(conflicts)
}

// conflict is two entries that want one path.
type conflict struct{ first, second *place }

// claim tries to give p its path.
func (a *assembly) claim(p *place) *conflict {
	old := a.claims[p.entry.Path]
	switch {
	case old == nil:
		a.claims[p.entry.Path] = p
	case old.entry.Type == tree.Dir && p.entry.Type == tree.Dir:
		// Directories are shared; the first one's mode and owner count.
	case old.entry.Type == tree.Dir || p.entry.Type == tree.Dir:
		return &conflict{old, p}
	case sameFile(old, p):
		p.gone = p.layer == old.layer // in another layer it is laid on itself
		p.shared = true
	case p.unit.replaces(old.unit):
		old.gone = p.layer == old.layer // a lower layer stays as it is; the upper one covers it
		old.covered = !old.gone
		a.claims[p.entry.Path] = p
	case old.unit.replaces(p.unit):
		p.gone = true
	case a.mayDivert(old, p):
		a.contested = append(a.contested, &conflict{old, p})
	default:
		return &conflict{old, p}
	}
	return nil
}

// clearPaths finds what a layer's drop takes away of the layers below: where a
// package of the layer brings a path that they have, too, its file would be there in place of
// theirs, and the pattern leaves out just that. A package's own drop is about its
// own file, and what another package has at the path shows.
func (a *assembly) clearPaths() {
	for _, l := range a.layers {
		for _, u := range l.units {
			for _, p := range u.places {
				if p.dropped == "" || p.excluded || p.gone || p.entry.Type == tree.Dir || !l.leavesOut(p.entry.Path) {
					continue
				}
				c := a.claims[p.entry.Path]
				if c == nil || c.layer.index >= l.index || c.entry.Type == tree.Dir || sameFile(c, p) {
					continue
				}
				c.covered = true
				delete(a.claims, p.entry.Path)
				l.cleared = append(l.cleared, p.entry.Path)
			}
		}
	}
}

// sameFile reports whether the two may share a path: the same file in two
// architectures of one Multi-Arch: same package, or the same link into /usr.
func sameFile(x, y *place) bool {
	same := x.entry.Type == y.entry.Type && x.entry.Content == y.entry.Content && x.entry.Mode == y.entry.Mode &&
		x.entry.UID == y.entry.UID && x.entry.GID == y.entry.GID &&
		(x.entry.Type != tree.Symlink || x.entry.Link == y.entry.Link)
	if !same {
		return false
	}
	if isMergedLink(&x.entry) {
		return true
	}
	return x.unit.ID.Name == y.unit.ID.Name && x.unit.pkg.MultiArch == "same" && y.unit.pkg.MultiArch == "same"
}

// replaces reports whether u may take over files of other (Policy 7.6.1).
func (u *unit) replaces(other *unit) bool {
	for _, d := range u.pkg.Replaces {
		for _, r := range d {
			if r.Name == other.ID.Name && r.SatisfiedBy(other.ID.Version) && qualifies(r, other.ID.Architecture) {
				return true
			}
		}
	}
	return false
}

func qualifies(r deb.Relation, arch string) bool {
	return r.Qualifier == "" || r.Qualifier == "any" || r.Qualifier == arch
}

// maxShown bounds how many conflicts a message spells out.
const maxShown = 20

func conflictError(conflicts []*conflict) error {
	var lines, hints []string
	for i, c := range conflicts {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("  and %d more", len(conflicts)-i))
			break
		}
		lines = append(lines, "  "+c.String())
		hints = append(hints, fmt.Sprintf("leave one of the two out, listing its package in the recipe: %s, or %s", dropHint(c.first), dropHint(c.second)))
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot unpack the packages: %d %s wanted twice, and neither package has a Replaces on the other\n%s", len(conflicts), are(len(conflicts)), strings.Join(lines, "\n")),
		Hints: hints,
	}
}

// dropHint is how a recipe leaves the entry out.
func dropHint(p *place) string {
	name := p.unit.name()
	if p.unit.want != nil {
		name = p.unit.want.Name
	}
	return fmt.Sprintf("- %s: {why: ..., drop: [%q]}", name, tree.Absolute(p.entry.Path))
}

func are(n int) string {
	if n == 1 {
		return "path is"
	}
	return "paths are"
}

func (c *conflict) String() string {
	s := fmt.Sprintf("%q: %s and %s", tree.Absolute(c.second.entry.Path), c.first.maker(), c.second.maker())
	if c.first.entry.Type != c.second.entry.Type {
		s += fmt.Sprintf(" (the first ships %s, the second %s)", c.first.entry.Type.Name(), c.second.entry.Type.Name())
	}
	return s
}

// own claims a path for what a rule or the recipe makes. It may share a
// directory; anything else must be free.
func (a *assembly) own(p *place) error {
	l, e := p.layer, p.entry
	old := a.claims[e.Path]
	switch {
	case old == nil:
		a.claims[e.Path] = p
	case old.entry.Type == tree.Dir && e.Type == tree.Dir:
	case isMergedLink(&e) && isMergedLink(&old.entry) && old.layer == l:
		return nil // the package's own link does
	case isMergedLink(&e) && isMergedLink(&old.entry):
		// A later layer's package ships it too; this layer must not depend on that.
	default:
		return ownError(p, old)
	}
	l.made = append(l.made, p)
	return nil
}

func ownError(p, old *place) error {
	e := userError("%s cannot make %q: it is %s of %s", p.maker(), tree.Absolute(p.entry.Path), old.entry.Type.Name(), old.maker())
	if old.unit != nil {
		e.Hints = []string{fmt.Sprintf("nothing replaces a package's file in silence; leave the package's copy out, listing it in the recipe: %s", dropHint(old))}
	}
	return e
}

// whiteout begins the names with which a layer of an OCI image removes what the
// layers below it hold (image-spec, layer.md): a file cannot have such a name.
const whiteout = ".wh."

func whiteoutError(p *place) error {
	err := userError("cannot make %q of %s: in a container image a name that begins with %q removes files, it names none", tree.Absolute(p.entry.Path), p.maker(), whiteout)
	if p.unit != nil {
		err.Code = kiln.Refused
		err.Hints = []string{"leave it out, listing its package in the recipe: " + dropHint(p)}
	}
	return err
}

// checkPaths finds entries below what is no directory, and names that an image
// cannot hold.
func (a *assembly) checkPaths() error {
	var wrong []string
	sound := map[string]bool{}      // directories
	for path, p := range a.claims { // sorted below
		if a.checkPath(path, p, sound) != nil {
			wrong = append(wrong, path)
		}
	}
	if wrong == nil {
		return nil
	}
	path := slices.MinFunc(wrong, tree.Compare)
	return a.checkPath(path, a.claims[path], sound)
}

// checkPath checks one, and notes which directories are known to be sound.
func (a *assembly) checkPath(path string, p *place, sound map[string]bool) error {
	if strings.HasPrefix(path, whiteout) || strings.Contains(path, "/"+whiteout) {
		return whiteoutError(p)
	}
	for dir := tree.Parent(path); dir != "." && !sound[dir]; dir = tree.Parent(dir) {
		if up := a.claims[dir]; up != nil && up.entry.Type != tree.Dir {
			return userError("cannot make %q of %s: %q is %s of %s", tree.Absolute(path), p.maker(), tree.Absolute(dir), up.entry.Type.Name(), up.maker())
		}
	}
	sound[tree.Parent(path)] = true
	return nil
}
