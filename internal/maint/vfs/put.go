package vfs

import (
	"io/fs"
	"strings"
	"syscall"

	"kiln/internal/tree"
)

// Put makes or replaces the entry at "/" + e.Path exactly as e says, its time and
// origin included, as unpacking an archive does: links in the directories above
// it are followed, one at the path itself is replaced. A directory takes the
// place of a directory and keeps what that holds. A hard link's target must be
// there. The content must be one that the FS's Contents has.
func (f *FS) Put(e tree.Entry) error {
	path := tree.Absolute(e.Path)
	if err := e.Check(); err != nil {
		return pathError("put", path, err)
	}
	p, err := f.walk("put", path, false)
	if err != nil {
		return err
	}
	f.note(p)
	if p.node != nil && p.node.kind == tree.Dir {
		if e.Type != tree.Dir {
			return pathError("put", path, syscall.EISDIR)
		}
		n := f.nodeOf(e)
		n.kids, n.names, n.ino = p.node.kids, p.node.names, p.node.ino
		*p.node = *n
		return nil
	}
	if p.node != nil && e.Type == tree.Dir {
		return pathError("put", path, syscall.ENOTDIR)
	}
	return f.putOver(p, e, path)
}

// Entry returns what is at path, a clean absolute one, as Tree will have it, but for
// its further names.
func (f *FS) Entry(path string) (tree.Entry, bool) {
	p, err := f.walk("entry", path, false)
	if err != nil || p.node == nil {
		return tree.Entry{}, false
	}
	return f.entry(strings.TrimPrefix(path, "/"), p.node), true
}

func (f *FS) putOver(p place, e tree.Entry, path string) error {
	n := f.nodeOf(e)
	if e.Hard {
		target, err := f.find("put", tree.Absolute(e.Link), false)
		if err != nil {
			return err
		}
		if target.node.kind != tree.File {
			return pathError("put", path, fs.ErrInvalid)
		}
		n = target.node
	}
	mtime := p.dir.mtime
	if p.node != nil {
		f.leave(p)
	}
	f.enter(p, n)
	p.dir.mtime = mtime // unpacking stamps directories by their own entries
	return nil
}
