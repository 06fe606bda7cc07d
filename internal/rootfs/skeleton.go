package rootfs

import (
	"fmt"
	"strings"

	"kiln/internal/tree"
)

// skeleton is what all packages ship, before anything is dropped, as far as it
// decides where paths lead: directories, and links with their makers. Where two
// packages ship different things at one path, the first one counts here.
type skeleton struct {
	tree  *tree.Tree
	units map[string]*unit // by the name in an origin: the makers of links and files; those of the seeds have none
	last  way              // that was followed
}

// way is a directory as a package names it, and where that is. It stays there: once something of
// the package was placed in it, it is a directory.
type way struct {
	unit    *unit
	dir, at string
}

// newSkeleton is one for what units ship, with links of the merged /usr, and room for so many entries.
func newSkeleton(units []*unit, links []string, room int) *skeleton {
	s := &skeleton{tree: tree.Sized(room), units: map[string]*unit{}}
	for _, u := range units {
		s.units[u.name()] = u
	}
	for _, name := range links {
		s.mkdirs("usr/" + name)
		s.insert(tree.Entry{Path: name, Type: tree.Symlink, Mode: 0o777, Link: "usr/" + name})
	}
	return s
}

func (s *skeleton) insert(e tree.Entry) {
	if err := s.tree.Insert(e); err != nil {
		panic("bug: " + err.Error())
	}
}

func (s *skeleton) mkdirs(dir string) {
	if _, ok := s.tree.Lookup(dir); ok {
		return
	}
	s.mkdirs(tree.Parent(dir))
	s.insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755})
}

// place finds where p goes, as dpkg would put it: through links of other
// packages to directories, never through the package's own, never out of the
// tree. A directory at a place where a link to a directory is does nothing.
func (s *skeleton) place(p *place) error {
	dir, err := s.follow(p.unit, tree.Parent(p.entry.Path))
	if err != nil {
		return err
	}
	if dir != tree.Parent(p.entry.Path) {
		p.entry.Path = tree.Join(dir, base(p.entry.Path))
	}
	there, ok := s.tree.Lookup(p.entry.Path)
	switch {
	case !ok && p.entry.Type == tree.Dir:
		s.mkdirs(p.entry.Path)
	case !ok:
		s.mkdirs(dir)
		s.insert(outline(p.entry))
	case p.entry.Type == tree.Dir && there.Type == tree.Symlink:
		target, err := s.tree.ResolveInside(p.entry.Path)
		if err != nil {
			return fmt.Errorf("it is a directory, where %s has a symbolic link that is no way to a directory: %w", s.maker(p.entry.Path), err)
		}
		if e, _ := s.tree.Lookup(target); e.Type == tree.Dir {
			p.entry.Path, p.gone, p.shared = target, true, true
		}
	}
	return nil
}

// outline is e as far as the skeleton cares.
func outline(e tree.Entry) tree.Entry {
	e.Hard = false
	if e.Type == tree.File {
		e.Link = ""
	}
	return e
}

// follow returns the directory that dir leads to: as last time where the package's entry
// before was there, too.
func (s *skeleton) follow(u *unit, dir string) (string, error) {
	if u != nil && s.last.unit == u && s.last.dir == dir {
		return s.last.at, nil
	}
	at, err := s.walk(u, dir)
	s.last = way{u, dir, at}
	if err != nil {
		s.last = way{}
	}
	return at, err
}

func (s *skeleton) walk(u *unit, dir string) (string, error) {
	at := "."
	if dir == "." {
		return at, nil
	}
	for name := range strings.SplitSeq(dir, "/") {
		next := tree.Join(at, name)
		e, ok := s.tree.Lookup(next)
		if !ok || e.Type == tree.Dir {
			at = next
			continue
		}
		if e.Type != tree.Symlink {
			return "", fmt.Errorf("it stands below %q, which is %s of %s", tree.Absolute(next), e.Type.Name(), s.maker(next))
		}
		if u != nil && s.units[e.Origin.Package] == u {
			return "", fmt.Errorf("it stands below %q, a symbolic link of the same package", tree.Absolute(next))
		}
		target, err := s.tree.ResolveInside(next)
		if err != nil {
			return "", fmt.Errorf("it stands below a symbolic link of %s that is no way to a directory: %w", s.maker(next), err)
		}
		if e, _ := s.tree.Lookup(target); e.Type != tree.Dir {
			return "", fmt.Errorf("it stands below %q, a symbolic link of %s to %s", tree.Absolute(next), s.maker(next), e.Type.Name())
		}
		at = target
	}
	return at, nil
}

func (s *skeleton) maker(path string) string {
	e, _ := s.tree.Lookup(path)
	if u := s.units[e.Origin.Package]; u != nil {
		return fmt.Sprintf("the package %q", u)
	}
	return "the merged /usr"
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
