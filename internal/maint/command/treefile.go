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

// absolute returns p as seen from the call's working directory.
func absolute(c *Call, p string) string {
	if !strings.HasPrefix(p, "/") {
		p = c.Dir + "/" + p
	}
	return path.Clean(p)
}

// nonEmptyLines splits a text into its lines, empty ones left out.
func nonEmptyLines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}
