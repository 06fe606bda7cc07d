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
	tree   *tree.Tree
	makers map[string]*unit // of links and files; none for the seeds

	of    *unit             // whose directories known has
	known map[string]string // where those that are there lead, which stays so
}

// newSkeleton is one with links of the merged /usr, and room for so many entries.
func newSkeleton(links []string, room int) *skeleton {
	s := &skeleton{tree: tree.Sized(room), makers: make(map[string]*unit, room)}
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
	dir, err := s.directory(p.unit, tree.Parent(p.entry.Path))
	if err != nil {
		return err
	}
	p.entry.Path = tree.Join(dir, base(p.entry.Path))
	if p.shipped == "." {
		p.entry.Path = "."
	}
	there, ok := s.tree.Lookup(p.entry.Path)
	switch {
	case !ok && p.entry.Type == tree.Dir:
		s.mkdirs(p.entry.Path)
	case !ok:
		s.mkdirs(dir)
		s.makers[p.entry.Path] = p.unit
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

// directory is follow for one entry of the package after the other, most of which stand in a
// directory in which another one does.
func (s *skeleton) directory(u *unit, dir string) (string, error) {
	if s.of != u || s.known == nil {
		s.of, s.known = u, map[string]string{}
	}
	if at, ok := s.known[dir]; ok {
		return at, nil
	}
	at, err := s.follow(u, dir)
	if err != nil {
		return "", err
	}
	if e, ok := s.tree.Lookup(at); ok && e.Type == tree.Dir {
		s.known[dir] = at
	}
	return at, nil
}

// follow returns the directory that dir leads to.
func (s *skeleton) follow(u *unit, dir string) (string, error) {
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
		if u != nil && s.makers[next] == u {
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
	if u := s.makers[path]; u != nil {
		return fmt.Sprintf("the package %q", u)
	}
	return "the merged /usr"
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
