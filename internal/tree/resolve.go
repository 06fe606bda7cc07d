package tree

import (
	"fmt"
	"strings"
)

// maxLinks is how many symbolic links one look-up follows, as in Linux
// (path_resolution(7)).
const maxLinks = 40

// Resolve follows every symbolic link on the way to p, the last component
// included, as a process whose root directory is the tree would: absolute
// targets start at the tree's root and ".." stops there. p may have a leading
// slash. The error wraps fs.ErrNotExist where something is missing.
func (t *Tree) Resolve(p string) (string, error) {
	return t.resolve(walk{tree: t, path: p, last: true})
}

// ResolveInside is Resolve for links that are not trusted: one that would lead
// above the root, where a process would be stopped but an unpacker might not, is
// an error.
func (t *Tree) ResolveInside(p string) (string, error) {
	return t.resolve(walk{tree: t, path: p, last: true, inside: true})
}

func (t *Tree) resolve(w walk) (string, error) {
	got, err := w.run()
	if err != nil {
		return "", fmt.Errorf("cannot resolve %q: %w", w.path, err)
	}
	if t.nodes[got] == nil {
		return "", fmt.Errorf("cannot resolve %q: %w", w.path, notThere(got))
	}
	return got, nil
}

// Locate returns the path at which an entry named p belongs: links in its parent
// directories are followed, the last component is not. Components that do not
// exist are taken as written. So "bin/sh" is "usr/bin/sh" where bin is a link to
// usr/bin.
func (t *Tree) Locate(p string) (string, error) {
	got, err := walk{tree: t, path: p}.run()
	if err != nil {
		return "", fmt.Errorf("cannot locate %q: %w", p, err)
	}
	return got, nil
}

// walk is one look-up.
type walk struct {
	tree   *Tree
	path   string
	last   bool // follow a link that is the last component
	inside bool // refuse ".." at the root
}

// run takes the path one component at a time.
func (w walk) run() (string, error) {
	at, todo, links := ".", components(w.path), 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if n := w.tree.nodes[at]; n != nil && n.entry.Type != Dir {
			return "", notDir(at, n.entry.Type)
		}
		if name == ".." {
			if at == "." && w.inside {
				return "", fmt.Errorf("it leads out of the tree")
			}
			at = Parent(at)
			continue
		}
		next := Join(at, name)
		n := w.tree.nodes[next]
		if n == nil || n.entry.Type != Symlink || (len(todo) == 0 && !w.last) {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("too many symbolic links (a loop?) at %q", Absolute(next))
		}
		if strings.HasPrefix(n.entry.Link, "/") {
			at = "."
		}
		todo = append(components(n.entry.Link), todo...)
	}
	return at, nil
}

// components splits p; empty and "." components go.
func components(p string) []string {
	var parts []string
	for part := range strings.SplitSeq(p, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}
