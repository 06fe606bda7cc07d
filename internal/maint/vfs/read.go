package vfs

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/tree"
)

// Info is what stat(2) tells. It is an fs.FileInfo and an fs.DirEntry.
type Info struct {
	tree.Entry        // Path is canonical; Size is also that of a link's target; Content is empty for what was just written
	Ino        uint64 // the same for all names of a file
	Names      int    // hard links
}

// Name implements fs.FileInfo.
func (i Info) Name() string { return path.Base(i.Path) }

// Size implements fs.FileInfo, in bytes.
func (i Info) Size() int64 { return i.Entry.Size }

// IsDir implements fs.FileInfo.
func (i Info) IsDir() bool { return i.Entry.Type == tree.Dir }

// Sys implements fs.FileInfo.
func (i Info) Sys() any { return i }

// ModTime implements fs.FileInfo.
func (i Info) ModTime() time.Time { return i.Entry.ModTime.Time() }

// Info implements fs.DirEntry.
func (i Info) Info() (fs.FileInfo, error) { return i, nil }

// Type implements fs.DirEntry.
func (i Info) Type() fs.FileMode { return i.Mode().Type() }

// Mode implements fs.FileInfo.
func (i Info) Mode() fs.FileMode {
	m := fs.FileMode(i.Entry.Mode & 0o777)
	for _, b := range []struct {
		bit  uint32
		mode fs.FileMode
	}{{modeSetuid, fs.ModeSetuid}, {modeSetgid, fs.ModeSetgid}, {0o1000, fs.ModeSticky}} {
		if i.Entry.Mode&b.bit != 0 {
			m |= b.mode
		}
	}
	switch i.Entry.Type {
	case tree.Dir:
		m |= fs.ModeDir
	case tree.Symlink:
		m |= fs.ModeSymlink
	case tree.CharDev:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case tree.BlockDev:
		m |= fs.ModeDevice
	case tree.Fifo:
		m |= fs.ModeNamedPipe
	}
	return m
}

// Perm returns the 12 bits that chmod sets.
func (i Info) Perm() uint32 { return i.Entry.Mode }

// Kind returns the type of the entry.
func (i Info) Kind() tree.Type { return i.Entry.Type }

// Epoch returns the time stamp.
func (i Info) Epoch() kiln.Epoch { return i.Entry.ModTime }

func infoOf(path string, n *node) Info {
	e := tree.Entry{
		Path: strings.TrimPrefix(path, "/"), Type: n.kind, Mode: n.mode, UID: n.uid, GID: n.gid, ModTime: n.mtime,
		Origin: n.origin, Link: n.link, Major: n.major, Minor: n.minor, Size: n.length(), Content: n.content, Xattrs: n.xattrs,
	}
	if e.Path == "" {
		e.Path = "."
	}
	return Info{e, n.ino, n.names}
}

// Stamp is different after each change of what a path's content is.
type Stamp struct {
	ino, writes uint64
}

// Forget forgets that a file, named by the path that Tree gives it, was looked at.
func (f *FS) Forget(path string) {
	if n := f.at(path); n != nil {
		n.looked = false
	}
}

// at returns what is at a path of the tree, nil where nothing is.
func (f *FS) at(path string) *node {
	n := f.root
	for name := range strings.SplitSeq(path, "/") {
		if n = n.kids[name]; n == nil {
			return nil
		}
	}
	return n
}

// Looked reports whether a file, named by the path that Tree gives it, was looked
// at since Forget: whether anything could know more of it than that it is there.
// there is false where nothing is at the path.
func (f *FS) Looked(path string) (looked, there bool) {
	n := f.at(path)
	return n != nil && n.looked, n != nil
}

// Stamp returns the stamp of what path leads to; the zero one where nothing is.
func (f *FS) Stamp(path string) Stamp {
	p, err := f.walk("stat", path, true)
	if err != nil || p.node == nil {
		return Stamp{}
	}
	return Stamp{p.node.ino, p.node.writes}
}

// Stat describes what path leads to.
func (f *FS) Stat(path string) (Info, error) { return f.stat("stat", path, true) }

// Lstat describes what is at path, a symbolic link itself included.
func (f *FS) Lstat(path string) (Info, error) { return f.stat("lstat", path, false) }

func (f *FS) stat(op, path string, follow bool) (Info, error) {
	p, err := f.find(op, path, follow)
	if err != nil {
		if s, ok := f.special(path); ok {
			return s.info(), nil
		}
		return Info{}, err
	}
	return infoOf(p.path(), p.node), nil
}

// Readlink returns the target of the symbolic link at path.
func (f *FS) Readlink(path string) (string, error) {
	p, err := f.find("readlink", path, false)
	if err != nil {
		return "", err
	}
	if p.node.kind != tree.Symlink {
		return "", pathError("readlink", path, syscall.EINVAL)
	}
	return p.node.link, nil
}

// ReadDir lists a directory, sorted by name.
func (f *FS) ReadDir(path string) ([]Info, error) {
	p, err := f.find("readdir", path, true)
	if err != nil {
		return nil, err
	}
	if p.node.kind != tree.Dir {
		return nil, pathError("readdir", path, syscall.ENOTDIR)
	}
	var all []Info
	for _, name := range p.node.kidNames() {
		p.node.kids[name].looked = true
		all = append(all, infoOf(strings.TrimSuffix(p.path(), "/")+"/"+name, p.node.kids[name]))
	}
	return all, nil
}

// Named is an entry of a directory, of which nobody has looked at more than name and kind.
// It is a fs.DirEntry, whose Info looks at the rest.
type Named struct {
	path string
	node *node
}

// Name implements fs.DirEntry.
func (n Named) Name() string { return path.Base(n.path) }

// IsDir implements fs.DirEntry.
func (n Named) IsDir() bool { return n.node.kind == tree.Dir }

// Type implements fs.DirEntry.
func (n Named) Type() fs.FileMode { return infoOf(n.path, n.node).Mode().Type() }

// Info implements fs.DirEntry.
func (n Named) Info() (fs.FileInfo, error) {
	n.node.looked = true
	return infoOf(n.path, n.node), nil
}

// ReadNames is ReadDir for those who ask for names, as patterns do: what it lists counts as
// looked at no more than as known to be there.
func (f *FS) ReadNames(path string) ([]Named, error) {
	p, err := f.find("readdir", path, true)
	if err != nil {
		return nil, err
	}
	if p.node.kind != tree.Dir {
		return nil, pathError("readdir", path, syscall.ENOTDIR)
	}
	all := make([]Named, 0, len(p.node.kids))
	for _, name := range p.node.kidNames() {
		all = append(all, Named{strings.TrimSuffix(p.path(), "/") + "/" + name, p.node.kids[name]})
	}
	return all, nil
}

// Glob returns the paths that match an absolute pattern of glob(7), sorted, as
// they would be written: links are followed but not replaced. "*" and "?" match
// no leading dot.
func (f *FS) Glob(pattern string) []string {
	found := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			next = append(next, f.globIn(dir, part)...)
		}
		found = next
	}
	slices.Sort(found)
	return found
}

func (f *FS) globIn(dir, part string) []string {
	if !strings.ContainsAny(part, `*?[\`) {
		if p := path.Join(dir, part); f.Present(p) {
			return []string{p}
		}
		return nil
	}
	entries, err := f.ReadNames(dir)
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".")
		if ok, err := path.Match(part, e.Name()); ok && err == nil && !hidden {
			found = append(found, path.Join(dir, e.Name()))
		}
	}
	return found
}
