package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/tree"
)

// FolderOptions say how a tree is unpacked.
type FolderOptions struct {
	Owners bool      // set the owners, and make devices: only root can
	Sink   kiln.Sink // is told, with Note, what could not be kept
	Job    *kiln.Job // is told what was written
}

// WriteFolder unpacks t into folder dir, which must be absent or empty, and
// appears whole or not at all. No link is followed, wherever it points. Modes and
// times are kept whatever the umask; where owners, extended attributes or devices
// cannot be, the sink is told.
func WriteFolder(ctx context.Context, t *tree.Tree, c tree.Contents, dir string, o FolderOptions) error {
	if err := checkFolderPlace(dir); err != nil {
		return err
	}
	u := &unpacker{contents: c, owners: o.Owners, job: o.Job}
	err := writeDir(dir, func(tmp string) (err error) {
		if u.root, err = os.OpenRoot(tmp); err != nil {
			return err
		}
		defer u.root.Close()
		return u.unpack(ctx, t)
	}, placeFolder)
	if err != nil {
		return err
	}
	u.report(o.Sink, dir)
	return nil
}

// unpacker writes below root. Every parent in a tree is a directory, so that root
// meets no link on its way; if there were one, it would not leave root.
type unpacker struct {
	root     *os.Root
	contents tree.Contents
	owners   bool
	job      *kiln.Job

	unowned  int      // entries whose owner was not set
	unmarked []string // extended attributes that the file system refused
	unmade   []string // devices
}

func (u *unpacker) unpack(ctx context.Context, t *tree.Tree) error {
	var dirs []tree.Entry
	for e := range t.All() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if e.Type == tree.Dir {
			dirs = append(dirs, e)
		}
		if err := u.make(ctx, e); err != nil {
			return fmt.Errorf("cannot unpack %q: %w", tree.Absolute(e.Path), err)
		}
	}
	// Directories get their mode and time after all that is in them.
	for _, e := range slices.Backward(dirs) {
		if err := u.finishDir(e); err != nil {
			return fmt.Errorf("cannot finish the folder %q: %w", tree.Absolute(e.Path), err)
		}
	}
	return nil
}

func (u *unpacker) make(ctx context.Context, e tree.Entry) error {
	switch {
	case e.Type == tree.Dir && e.Path == ".":
		return nil
	case e.Type == tree.Dir:
		return u.root.Mkdir(e.Path, 0o700)
	case e.Type == tree.File && e.Hard:
		return u.root.Link(e.Link, e.Path)
	case e.Type == tree.File:
		return u.file(ctx, e)
	case e.Type == tree.Symlink:
		return u.symlink(e)
	default:
		return u.node(e)
	}
}

func (u *unpacker) file(ctx context.Context, e tree.Entry) (err error) {
	f, err := u.root.OpenFile(e.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := u.fill(ctx, f, e); err != nil {
		return err
	}
	return u.finish(f, e)
}

func (u *unpacker) fill(ctx context.Context, f *os.File, e tree.Entry) error {
	r, err := u.contents.OpenContent(e.Content)
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(told{f, u.job}, &ctxReader{ctx, r})
	if err == nil && n != e.Size {
		err = fmt.Errorf("its content has %d bytes, not %d", n, e.Size)
	}
	return err
}

func (u *unpacker) finishDir(e tree.Entry) error {
	f, err := u.root.Open(e.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	return u.finish(f, e)
}

// finish sets what is not content on an open file or folder. The owner comes
// first, as a change of it clears setuid and capabilities; the mode after the
// attributes, as it may take away the right to set them.
func (u *unpacker) finish(f *os.File, e tree.Entry) error {
	if err := u.own(e, f.Chown); err != nil {
		return err
	}
	for _, name := range sortedNames(e.Xattrs) {
		if err := unix.Fsetxattr(int(f.Fd()), name, []byte(e.Xattrs[name]), 0); err != nil {
			u.unmarked = append(u.unmarked, name+" of "+tree.Absolute(e.Path))
		}
	}
	if err := f.Chmod(fileMode(e.Mode)); err != nil {
		return err
	}
	return u.setTimes(e)
}

func (u *unpacker) own(e tree.Entry, chown func(uid, gid int) error) error {
	if !u.owners {
		u.unowned++
		return nil
	}
	return chown(e.UID, e.GID)
}

func (u *unpacker) symlink(e tree.Entry) error {
	if err := u.root.Symlink(e.Link, e.Path); err != nil {
		return err
	}
	for _, name := range sortedNames(e.Xattrs) {
		u.unmarked = append(u.unmarked, name+" of "+tree.Absolute(e.Path))
	}
	if err := u.own(e, func(uid, gid int) error { return u.root.Lchown(e.Path, uid, gid) }); err != nil {
		return err
	}
	return u.setTimes(e)
}

// setTimes counts in seconds: in nanoseconds a number holds no time after 2262.
func (u *unpacker) setTimes(e tree.Entry) error {
	at, err := unix.TimeToTimespec(e.ModTime.Time())
	if err != nil {
		return err
	}
	return u.within(e, func(dir int, name string) error {
		return unix.UtimesNanoAt(dir, name, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	})
}
