package vfs

import (
	"io/fs"
	"strings"
	"syscall"

	"kiln/internal/tree"
)

// Linux's limits (path_resolution(7)), in bytes and links.
const (
	maxLinks = 40
	maxName  = 255
	maxPath  = 4095
)

// place is where a path leads: a name in a directory, and what is there, if
// anything.
type place struct {
	at    string // its canonical path, as a tree names it
	dir   *node  // nil for the root
	name  string
	node  *node
	slash bool // written with a slash at its end
	dot   bool // written with "." or ".." at its end
}

func (p place) path() string { return tree.Absolute(p.at) }

// walker resolves one path.
type walker struct {
	names []string
	nodes []*node // the root, then one for each name
	rest  []string
	links int
	bare  bool // a slash at the end neither follows a link nor asks for a directory
}

func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// walk follows path. Of the last component, a symbolic link is followed if follow
// is set or a slash stands behind it. What is not there is an error only if it is
// not the last component.
func (f *FS) walk(op, path string, follow bool) (place, error) {
	return f.walkTo(op, path, follow, false)
}

// walkName is walk for what makes, moves or removes a name: the last component is
// never followed, with a slash behind it neither.
func (f *FS) walkName(op, path string) (place, error) { return f.walkTo(op, path, false, true) }

func (f *FS) walkTo(op, path string, follow, bare bool) (place, error) {
	switch {
	case path == "":
		return place{}, pathError(op, path, fs.ErrNotExist)
	case path[0] != '/' || strings.ContainsRune(path, 0):
		return place{}, pathError(op, path, syscall.EINVAL)
	case len(path) > maxPath:
		return place{}, pathError(op, path, syscall.ENAMETOOLONG)
	}
	p, plain := f.direct(path, follow)
	if !plain {
		rest := strings.Split(path, "/")
		w := walker{names: make([]string, 0, len(rest)), nodes: append(make([]*node, 0, len(rest)+1), f.root), rest: rest, bare: bare}
		var err error
		if p, err = w.run(follow); err != nil {
			return place{}, pathError(op, path, err)
		}
	}
	if p.node != nil {
		p.node.looked = true
	}
	return p, nil
}

// direct is what a walker comes to where path is as most are: canonical, and no link on the way
// is to be followed. plain is false where it is not, or leads nowhere.
func (f *FS) direct(path string, follow bool) (p place, plain bool) {
	dir, rest := f.root, path[1:]
	for {
		part, below, more := strings.Cut(rest, "/")
		if part == "" || part == "." || part == ".." || len(part) > maxName {
			return place{}, false
		}
		kid := dir.kids[part]
		if !more {
			return place{at: path[1:], dir: dir, name: part, node: kid}, kid == nil || kid.kind != tree.Symlink || !follow
		}
		if kid == nil || kid.kind != tree.Dir {
			return place{}, false
		}
		dir, rest = kid, below
	}
}

func (w *walker) top() *node { return w.nodes[len(w.nodes)-1] }

func (w *walker) run(follow bool) (place, error) {
	for len(w.rest) > 0 {
		part := w.rest[0]
		w.rest = w.rest[1:]
		if w.top().kind != tree.Dir {
			return place{}, syscall.ENOTDIR
		}
		switch part {
		case "", ".":
			continue
		case "..":
			w.up()
			continue
		}
		p, done, err := w.step(part, follow)
		if done || err != nil {
			return p, err
		}
	}
	return w.here(), nil
}

func (w *walker) up() {
	if len(w.names) > 0 {
		w.names, w.nodes = w.names[:len(w.names)-1], w.nodes[:len(w.nodes)-1]
	}
}

// step takes the component part of the directory on top.
func (w *walker) step(part string, follow bool) (place, bool, error) {
	if len(part) > maxName {
		return place{}, true, syscall.ENAMETOOLONG
	}
	last, slash := w.isLast()
	kid := w.top().kids[part]
	switch {
	case kid == nil && !last:
		return place{}, true, fs.ErrNotExist
	case kid != nil && kid.kind == tree.Symlink && (!last || follow || slash && !w.bare):
		return place{}, false, w.follow(kid.link)
	case last:
		if kid != nil && kid.kind != tree.Dir && slash && !w.bare {
			return place{}, true, syscall.ENOTDIR
		}
		return place{at: treePath(append(w.names, part)), dir: w.top(), name: part, node: kid, slash: slash}, true, nil
	}
	w.names, w.nodes = append(w.names, part), append(w.nodes, kid)
	return place{}, false, nil
}

// isLast reports whether nothing but slashes is left, and whether any is.
func (w *walker) isLast() (last, slash bool) {
	for _, part := range w.rest {
		if part != "" {
			return false, false
		}
	}
	return true, len(w.rest) > 0
}

func (w *walker) follow(target string) error {
	if w.links++; w.links > maxLinks {
		return syscall.ELOOP
	}
	if strings.HasPrefix(target, "/") {
		w.names, w.nodes = nil, w.nodes[:1]
	}
	w.rest = append(strings.Split(target, "/"), w.rest...)
	return nil
}

// here is the place of the directory on top, which "/", "." or ".." led to.
func (w *walker) here() place {
	p := place{at: treePath(w.names), node: w.top(), dot: true}
	if n := len(w.names); n > 0 {
		p.dir, p.name = w.nodes[n-1], w.names[n-1]
	}
	return p
}

// find is walk for what must be there.
func (f *FS) find(op, path string, follow bool) (place, error) {
	p, err := f.walk(op, path, follow)
	if err == nil && p.node == nil {
		err = pathError(op, path, fs.ErrNotExist)
	}
	return p, err
}

// vacant is walk for a name that must be free in a directory that is there.
func (f *FS) vacant(op, path string) (place, error) {
	p, err := f.walkName(op, path)
	if err == nil && p.node != nil {
		err = pathError(op, path, fs.ErrExist)
	}
	return p, err
}

// named is walkName for what must be there.
func (f *FS) named(op, path string) (place, error) {
	p, err := f.walkName(op, path)
	switch {
	case err != nil:
	case p.node == nil:
		err = pathError(op, path, fs.ErrNotExist)
	case p.slash && p.node.kind != tree.Dir:
		err = pathError(op, path, syscall.ENOTDIR)
	}
	return p, err
}

// Resolve returns the canonical path of what path leads to, every link followed.
// All but the last component must exist.
func (f *FS) Resolve(path string) (string, error) {
	p, err := f.walk("resolve", path, true)
	return p.path(), err
}

// Locate is Resolve that does not follow a link in the last component.
func (f *FS) Locate(path string) (string, error) {
	p, err := f.walk("locate", path, false)
	return p.path(), err
}
