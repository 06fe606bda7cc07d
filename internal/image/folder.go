package image

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/tree"
)

// folder reads an unpacked root file system. Links are not followed, and neither
// are mounts: another file system below the folder is an error.
func (r *reader) folder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	w := &walker{reader: r, root: root, inodes: map[inode]string{}}
	if err := w.walk("."); err != nil {
		return err
	}
	r.img.Unowned = w.unowned()
	return nil
}

type inode struct{ dev, ino uint64 }

// walker reads below root.
type walker struct {
	*reader
	root   *os.Root
	inodes map[inode]string // files with several names: the first one
	device uint64           // of the file system
	owners map[int]bool     // uids that there are
}

// walk reads what is at p and below, each folder before what it holds.
func (w *walker) walk(p string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	info, err := w.root.Lstat(p)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("this system does not tell owners")
	}
	e, err := w.entry(p, info, st)
	if err != nil {
		return fmt.Errorf("cannot read %q: %w", tree.Absolute(p), err)
	}
	if err := w.budget.entry(&e); err != nil {
		return err
	}
	if err := w.img.Tree.Insert(e); err != nil {
		return err
	}
	if e.Type != tree.Dir {
		return nil
	}
	names, err := w.names(p, uint64(st.Dev))
	if err != nil {
		return fmt.Errorf("cannot read the folder %q: %w", tree.Absolute(p), err)
	}
	for _, name := range names {
		if err := w.walk(tree.Join(p, name)); err != nil {
			return err
		}
	}
	return nil
}

// names lists a folder of the file system that the root is on.
func (w *walker) names(p string, device uint64) ([]string, error) {
	if p == "." {
		w.device = device
	}
	if device != w.device {
		return nil, fmt.Errorf("another file system is mounted there")
	}
	f, err := w.root.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (w *walker) entry(p string, info fs.FileInfo, st *syscall.Stat_t) (tree.Entry, error) {
	e := tree.Entry{
		Path: p, Mode: uint32(st.Mode) & 0o7777, UID: int(st.Uid), GID: int(st.Gid), ModTime: kiln.Epoch(info.ModTime().Unix()),
	}
	if w.owners == nil {
		w.owners = map[int]bool{}
	}
	w.owners[e.UID] = true
	var err error
	switch info.Mode().Type() {
	case 0:
		e.Type, e.Size = tree.File, info.Size()
		err = w.file(&e, info, st)
	case fs.ModeDir:
		e.Type = tree.Dir
		err = w.attributes(&e)
	case fs.ModeSymlink:
		e.Type, e.Mode = tree.Symlink, 0o777
		e.Link, err = w.root.Readlink(p)
	case fs.ModeNamedPipe:
		e.Type = tree.Fifo
	case fs.ModeDevice | fs.ModeCharDevice:
		e.Type, e.Major, e.Minor = tree.CharDev, unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
	case fs.ModeDevice:
		e.Type, e.Major, e.Minor = tree.BlockDev, unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
	default:
		err = fmt.Errorf("it is %s, which no image holds", info.Mode().Type())
	}
	if err == nil {
		err = checkOverlay(&e)
	}
	return e, err
}

// file reads a file's content, once for all of its names.
func (w *walker) file(e *tree.Entry, info fs.FileInfo, st *syscall.Stat_t) error {
	id := inode{uint64(st.Dev), st.Ino}
	if first, ok := w.inodes[id]; ok {
		known, _ := w.img.Tree.Lookup(first)
		known.Path, known.Hard, known.Link = e.Path, true, first
		*e = known
		return nil
	}
	f, err := w.root.OpenFile(e.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return fmt.Errorf("it changed while it was read")
	}
	if err := w.content(e, &stopping{w.ctx, f}); err != nil {
		return err
	}
	if st.Nlink > 1 {
		w.inodes[id] = e.Path
	}
	e.Xattrs, err = attributesOf(f)
	return err
}

func (w *walker) attributes(e *tree.Entry) error {
	f, err := w.root.Open(e.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	e.Xattrs, err = attributesOf(f)
	return err
}

// hostAttribute knows extended attributes that tell of the machine and not of the
// image: labels, measurements and overlays of its own kernel.
func hostAttribute(name string) bool {
	for _, prefix := range []string{"system.", "com.apple.", "trusted.overlay.", "user.overlay."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"security.selinux", "security.ima", "security.evm", "security.apparmor", "security.SMACK64"}, name)
}

func attributesOf(f *os.File) (map[string]string, error) {
	list := make([]byte, 64<<10)
	n, err := unix.Flistxattr(int(f.Fd()), list)
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list its extended attributes: %w", err)
	}
	var all map[string]string
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list[:n]), "\x00"), "\x00") {
		if name == "" || hostAttribute(name) {
			continue
		}
		n, err := unix.Fgetxattr(int(f.Fd()), name, value)
		if err != nil {
			return nil, fmt.Errorf("cannot read its extended attribute %q: %w", name, err)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = string(value[:n])
	}
	return all, nil
}

// unowned reports whether everything is one ordinary user's.
func (w *walker) unowned() bool { return len(w.owners) == 1 && !w.owners[0] }
