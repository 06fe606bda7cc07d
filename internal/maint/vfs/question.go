package vfs

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// ReadIfThere returns a file's content, or nothing where there is no file.
func (f *FS) ReadIfThere(path string) ([]byte, error) {
	b, err := f.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Exists reports whether path leads to something.
func (f *FS) Exists(path string) bool {
	_, err := f.Stat(path)
	return err == nil
}

// IsFile reports whether path leads to a regular file.
func (f *FS) IsFile(path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.Kind() == tree.File
}

// IsDir reports whether path leads to a directory.
func (f *FS) IsDir(path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.Kind() == tree.Dir
}

// IsLink reports whether path is itself a symbolic link.
func (f *FS) IsLink(path string) bool {
	i, err := f.Lstat(path)
	return err == nil && i.Kind() == tree.Symlink
}

// Present reports whether there is something at path, a dangling link included.
func (f *FS) Present(path string) bool {
	_, err := f.Lstat(path)
	return err == nil
}

// LinkTarget returns the target of the symbolic link at path, or "".
func (f *FS) LinkTarget(path string) string {
	t, err := f.Readlink(path)
	if err != nil {
		return ""
	}
	return t
}

// ReplaceLink makes path a symbolic link to target, in place of what is there.
// A link that is right already keeps its time stamp and author.
func (f *FS) ReplaceLink(target, path string) error {
	if f.LinkTarget(path) == target {
		return nil
	}
	if f.Present(path) {
		if err := f.Remove(path); err != nil {
			return err
		}
	}
	return f.Symlink(target, path)
}

// Rewrite gives a file new content. A file that has it already is not touched, so
// that it keeps its author.
func (f *FS) Rewrite(path string, data []byte, mode uint32) error {
	old, err := f.ReadFile(path)
	if err == nil && string(old) == string(data) {
		return nil
	}
	return f.WriteFile(path, data, mode)
}

// RewriteKnown is Rewrite for a content that the FS's Contents has, of size bytes.
func (f *FS) RewriteKnown(path string, content kiln.Digest, size int64, mode uint32) error {
	if p, err := f.walk("open", path, true); err == nil && p.node != nil && p.node.kind == tree.File && p.node.length() == size {
		if f.seal(p.node); p.node.content == content {
			return nil
		}
	}
	if err := f.WriteFile(path, nil, mode); err != nil || size == 0 {
		return err
	}
	p, err := f.find("open", path, true)
	if err != nil {
		return err
	}
	if err := f.grow(size); err != nil {
		return pathError("write", path, err)
	}
	p.node.loose, p.node.content, p.node.size = false, content, size
	f.written(p.node)
	return nil
}

// RealFolder is p with its folder's links resolved.
func (f *FS) RealFolder(p string) string {
	dir, err := f.Resolve(path.Dir(p))
	if err != nil {
		return p
	}
	return path.Join("/", dir, path.Base(p))
}

// CopyTree copies what is in from to the directory to, and gives it away.
func (f *FS) CopyTree(from, to string, uid, gid int) error {
	entries, err := f.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := path.Join(from, e.Name()), path.Join(to, e.Name())
		switch e.Kind() {
		case tree.Dir:
			if err = f.Mkdir(dst, e.Perm()); err == nil {
				err = f.CopyTree(src, dst, uid, gid)
			}
		case tree.Symlink:
			err = f.Symlink(f.LinkTarget(src), dst)
		case tree.File:
			var data []byte
			if data, err = f.ReadFile(src); err == nil {
				err = f.WriteFile(dst, data, e.Perm())
			}
		}
		if err == nil {
			err = f.Lchown(dst, uid, gid)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SetPerm sets owner and mode, where they are not right already.
func (f *FS) SetPerm(path string, uid, gid int, mode uint32) error {
	i, err := f.Stat(path)
	if err != nil {
		return err
	}
	if i.UID != uid || i.GID != gid {
		if err := f.Chown(path, uid, gid); err != nil {
			return err
		}
	}
	if i.Perm() == mode {
		return nil
	}
	return f.Chmod(path, mode)
}

// Visit calls visit for p and all below it, parents first, sorted. A directory for
// which visit returns false is not entered. Links are not followed.
func (f *FS) Visit(p string, visit func(path string, info Info) bool) error {
	info, err := f.Lstat(p)
	if err != nil {
		return err
	}
	if !visit(p, info) || info.Kind() != tree.Dir {
		return nil
	}
	entries, err := f.ReadDir(p)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := f.Visit(strings.TrimSuffix(p, "/")+"/"+e.Name(), visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
