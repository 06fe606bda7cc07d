package vfs

import (
	"maps"
	"syscall"

	"kiln"
	"kiln/internal/filecap"
	"kiln/internal/tree"
)

// Bits of a mode (inode(7)).
const (
	modeAll    = 0o7777
	modeSetuid = 0o4000
	modeSetgid = 0o2000
	modeGroupX = 0o010
)

// Chmod sets the mode of what path leads to: permissions, setuid, setgid, sticky.
func (f *FS) Chmod(path string, mode uint32) error {
	return f.change("chmod", path, true, func(n *node) { n.mode = mode & modeAll })
}

// change applies set to what is at path and records who did it.
func (f *FS) change(op, path string, follow bool, set func(*node)) error {
	p, err := f.find(op, path, follow)
	if err != nil {
		return err
	}
	f.note(p)
	set(p.node)
	f.changed(p.node)
	return nil
}

// Chown sets owner and group of what path leads to; -1 leaves one as it is.
func (f *FS) Chown(path string, uid, gid int) error {
	return f.change("chown", path, true, func(n *node) { n.chown(uid, gid) })
}

// Lchown is Chown for a symbolic link itself.
func (f *FS) Lchown(path string, uid, gid int) error {
	return f.change("lchown", path, false, func(n *node) { n.chown(uid, gid) })
}

// chown is chown(2): a file, even root's, loses setuid, setgid where the group may
// execute, and its capabilities.
func (n *node) chown(uid, gid int) {
	if uid >= 0 {
		n.uid = uid
	}
	if gid >= 0 {
		n.gid = gid
	}
	if n.kind == tree.Dir || n.kind == tree.Symlink {
		return
	}
	n.mode &^= modeSetuid
	if n.mode&modeGroupX != 0 {
		n.mode &^= modeSetgid
	}
	delete(n.xattrs, filecap.Attribute)
}

// Chtimes sets the time stamp of what path leads to.
func (f *FS) Chtimes(path string, t kiln.Epoch) error {
	return f.change("chtimes", path, true, func(n *node) { n.mtime = t })
}

// Lchtimes is Chtimes for a symbolic link itself.
func (f *FS) Lchtimes(path string, t kiln.Epoch) error {
	return f.change("chtimes", path, false, func(n *node) { n.mtime = t })
}

// Xattrs returns the extended attributes of what path leads to. The caller may
// change the map.
func (f *FS) Xattrs(path string) (map[string]string, error) {
	p, err := f.find("listxattr", path, true)
	if err != nil {
		return nil, err
	}
	return maps.Clone(p.node.xattrs), nil
}

// Setxattr sets an extended attribute to a raw value.
func (f *FS) Setxattr(path, name, value string) error {
	return f.change("setxattr", path, true, func(n *node) {
		if n.xattrs == nil {
			n.xattrs = map[string]string{}
		}
		n.xattrs[name] = value
	})
}

// Removexattr takes an extended attribute away.
func (f *FS) Removexattr(path, name string) error {
	p, err := f.find("removexattr", path, true)
	if err != nil {
		return err
	}
	if _, ok := p.node.xattrs[name]; !ok {
		return pathError("removexattr", path, errNoAttr)
	}
	f.note(p)
	delete(p.node.xattrs, name)
	f.changed(p.node)
	return nil
}

// errNoAttr is Linux's ENODATA, which other systems number otherwise.
const errNoAttr = syscall.Errno(61)

// Truncate sets the size of a file, in bytes.
func (f *FS) Truncate(path string, size int64) error {
	p, err := f.find("truncate", path, true)
	switch {
	case err != nil:
		return err
	case p.node.kind == tree.Dir:
		return pathError("truncate", path, syscall.EISDIR)
	case p.node.kind != tree.File || size < 0:
		return pathError("truncate", path, syscall.EINVAL)
	}
	f.note(p)
	return f.resize(p.node, size)
}

func (f *FS) resize(n *node, size int64) error {
	if size == 0 {
		n.data, n.loose, n.content, n.size = nil, true, "", 0
		f.written(n)
		return nil
	}
	if err := f.loosen(n); err != nil {
		return err
	}
	if more := size - int64(len(n.data)); more > 0 {
		if err := f.grow(more); err != nil {
			return err
		}
		n.data = append(n.data, make([]byte, more)...)
	}
	n.data = n.data[:size]
	f.written(n)
	return nil
}

// written stamps a change of content, after which capabilities are void
// (capabilities(7)).
func (f *FS) written(n *node) {
	delete(n.xattrs, filecap.Attribute)
	f.touched(n)
}
