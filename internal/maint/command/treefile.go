package command

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// readIfThere returns a file's content, or nothing where there is no file.
func readIfThere(f *vfs.FS, path string) ([]byte, error) {
	b, err := f.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// exists reports whether path leads to something.
func exists(f *vfs.FS, path string) bool {
	_, err := f.Stat(path)
	return err == nil
}

// isFile reports whether path leads to a regular file.
func isFile(f *vfs.FS, path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.Kind() == tree.File
}

// isDir reports whether path leads to a directory.
func isDir(f *vfs.FS, path string) bool {
	i, err := f.Stat(path)
	return err == nil && i.Kind() == tree.Dir
}

// isLink reports whether path is itself a symbolic link.
func isLink(f *vfs.FS, path string) bool {
	i, err := f.Lstat(path)
	return err == nil && i.Kind() == tree.Symlink
}

// present reports whether there is something at path, a dangling link included.
func present(f *vfs.FS, path string) bool {
	_, err := f.Lstat(path)
	return err == nil
}

// linkTarget returns the target of the symbolic link at path, or "".
func linkTarget(f *vfs.FS, path string) string {
	t, err := f.Readlink(path)
	if err != nil {
		return ""
	}
	return t
}

// replaceLink makes path a symbolic link to target, in place of what is there.
// A link that is right already keeps its time stamp and author.
func replaceLink(f *vfs.FS, target, path string) error {
	if linkTarget(f, path) == target {
		return nil
	}
	if present(f, path) {
		if err := f.Remove(path); err != nil {
			return err
		}
	}
	return f.Symlink(target, path)
}

// rewrite gives a file new content. A file that has it already is not touched, so
// that it keeps its author.
func rewrite(f *vfs.FS, path string, data []byte, mode uint32) error {
	old, err := f.ReadFile(path)
	if err == nil && string(old) == string(data) {
		return nil
	}
	return f.WriteFile(path, data, mode)
}

// realFolder is p with its folder's links resolved.
func realFolder(f *vfs.FS, p string) string {
	dir, err := f.Resolve(path.Dir(p))
	if err != nil {
		return p
	}
	return path.Join("/", dir, path.Base(p))
}

// copyTree copies what is in from to the directory to, and gives it away.
func copyTree(f *vfs.FS, from, to string, uid, gid int) error {
	entries, err := f.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := path.Join(from, e.Name()), path.Join(to, e.Name())
		switch e.Kind() {
		case tree.Dir:
			if err = f.Mkdir(dst, e.Perm()); err == nil {
				err = copyTree(f, src, dst, uid, gid)
			}
		case tree.Symlink:
			err = f.Symlink(linkTarget(f, src), dst)
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

// setPerm sets owner and mode, where they are not right already.
func setPerm(f *vfs.FS, path string, uid, gid int, mode uint32) error {
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

// visitTree calls visit for p and all below it, parents first, sorted. A directory for
// which visit returns false is not entered. Links are not followed.
func visitTree(f *vfs.FS, p string, visit func(path string, info vfs.Info) bool) error {
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
		if err := visitTree(f, strings.TrimSuffix(p, "/")+"/"+e.Name(), visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
