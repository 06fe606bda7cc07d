package vfs

import (
	"errors"
	"io/fs"
	"syscall"

	"kiln/internal/tree"
)

// Mkdir makes a directory.
func (f *FS) Mkdir(path string, mode uint32) error {
	return f.make("mkdir", path, tree.Entry{Type: tree.Dir, Mode: mode & modeAll})
}

// make makes an entry at a path that is free. Of all but directories, a slash at
// the end is an error.
func (f *FS) make(op, path string, e tree.Entry) error {
	p, err := f.vacant(op, path)
	if err != nil {
		return err
	}
	if p.slash && e.Type != tree.Dir {
		return pathError(op, path, fs.ErrNotExist)
	}
	_, err = f.create(p, e)
	return err
}

// MkdirAll makes a directory and what is missing above it, all with the given
// mode. It is no error if the directory is there.
func (f *FS) MkdirAll(path string, mode uint32) error {
	if p, err := f.find("mkdir", path, true); err == nil && p.node.kind == tree.Dir {
		return nil
	}
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		err := f.Mkdir(path[:i], mode)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			if err != nil {
				return err
			}
			continue
		}
		if p, err := f.find("mkdir", path[:i], true); err != nil || p.node.kind != tree.Dir {
			return pathError("mkdir", path[:i], syscall.ENOTDIR)
		}
	}
	return nil
}

// Symlink makes a symbolic link at path, with target as it is.
func (f *FS) Symlink(target, path string) error {
	if target == "" {
		return pathError("symlink", path, fs.ErrNotExist)
	}
	if len(target) > maxPath {
		return pathError("symlink", path, syscall.ENAMETOOLONG)
	}
	return f.make("symlink", path, tree.Entry{Type: tree.Symlink, Mode: 0o777, Link: target})
}

// Mkfifo makes a named pipe, which can be listed but not opened.
func (f *FS) Mkfifo(path string, mode uint32) error {
	return f.make("mkfifo", path, tree.Entry{Type: tree.Fifo, Mode: mode & modeAll})
}

// Mknod records a device, which can be listed but not opened.
func (f *FS) Mknod(path string, kind tree.Type, mode, major, minor uint32) error {
	if kind != tree.CharDev && kind != tree.BlockDev {
		return pathError("mknod", path, syscall.EINVAL)
	}
	return f.make("mknod", path, tree.Entry{Type: kind, Mode: mode & modeAll, Major: major, Minor: minor})
}

// Link gives the file at old, which is not followed if it is a symbolic link, the
// further name path.
func (f *FS) Link(old, path string) error {
	from, err := f.find("link", old, false)
	if err != nil {
		return err
	}
	to, err := f.vacant("link", path)
	switch {
	case err != nil:
		return err
	case to.slash:
		return pathError("link", path, fs.ErrNotExist)
	case from.node.kind == tree.Dir:
		return pathError("link", old, syscall.EPERM)
	}
	if from.node.kind != tree.File { // a tree keeps only files' links: a copy says the same
		n, err := f.create(to, f.entry("", from.node))
		if err == nil {
			n.uid, n.gid, n.mtime = from.node.uid, from.node.gid, from.node.mtime
		}
		return err
	}
	f.note(from)
	f.enter(to, from.node)
	return nil
}

// Remove takes away a file, a link, or an empty directory.
func (f *FS) Remove(path string) error {
	p, err := f.named("remove", path)
	if err != nil {
		return err
	}
	switch {
	case p.dir == nil:
		return pathError("remove", path, syscall.EBUSY)
	case p.dot:
		return pathError("remove", path, syscall.EINVAL)
	case len(p.node.kids) > 0:
		return pathError("remove", path, syscall.ENOTEMPTY)
	}
	f.leave(p)
	return nil
}

// Unlink is Remove that refuses directories.
func (f *FS) Unlink(path string) error {
	p, err := f.named("unlink", path)
	if err == nil && p.node.kind == tree.Dir {
		err = pathError("unlink", path, syscall.EISDIR)
	}
	if err != nil {
		return err
	}
	return f.Remove(path)
}

// RemoveAll takes away what is at path, and all below it. It is no error if
// nothing is there.
func (f *FS) RemoveAll(path string) error {
	p, err := f.named("remove", path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case p.dir == nil:
		return pathError("remove", path, syscall.EBUSY)
	case p.dot:
		return pathError("remove", path, syscall.EINVAL)
	}
	f.noteAll(p.at, p.node)
	p.node.drop()
	f.leave(p)
	return nil
}

// drop takes the names from all below n, for the sake of files that have others.
func (n *node) drop() {
	for _, kid := range n.kids { // the order leaves no trace
		kid.names--
		kid.drop()
	}
	if n.kids != nil {
		clear(n.kids)
	}
}

// Rename moves what is at old to path, in place of a file or an empty directory
// that is there (rename(2)).
func (f *FS) Rename(old, path string) error {
	if _, err := f.walkName("rename", old); err != nil {
		return err
	}
	to, err := f.walkName("rename", path)
	if err != nil {
		return err
	}
	from, err := f.named("rename", old)
	if err != nil {
		return err
	}
	if err := mayRename(from, to); err != nil {
		return pathError("rename", path, err)
	}
	if from.node == to.node {
		return nil
	}
	if to.node != nil {
		f.leave(to)
	}
	n := from.node
	f.noteAll(from.at, n)
	f.noteAll(to.at, n)
	f.leave(from)
	f.enter(to, n)
	f.moved(n)
	return nil
}

// moved records who gave n, and all below it, their paths.
func (f *FS) moved(n *node) {
	f.changed(n)
	for _, kid := range n.kids { // the order leaves no trace
		f.moved(kid)
	}
}

func mayRename(from, to place) error {
	switch {
	case from.dot || to.dot:
		return syscall.EBUSY
	case from.node.kind == tree.Dir && from.node.holds(to.dir):
		return syscall.EINVAL
	case to.slash && from.node.kind != tree.Dir:
		return syscall.ENOTDIR
	case to.node == nil:
		return nil
	case to.node.holds(from.dir):
		return syscall.ENOTEMPTY
	case from.node.kind == tree.Dir && to.node.kind != tree.Dir:
		return syscall.ENOTDIR
	case from.node.kind != tree.Dir && to.node.kind == tree.Dir:
		return syscall.EISDIR
	case from.node != to.node && len(to.node.kids) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

// holds reports whether other is n or below it.
func (n *node) holds(other *node) bool {
	if n == other {
		return true
	}
	for _, kid := range n.kids { // the order leaves no trace
		if kid.kind == tree.Dir && kid.holds(other) {
			return true
		}
	}
	return false
}
