package oci

import (
	"errors"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"

	"kiln/internal/tree"
)

// node makes a device or a fifo.
func (u *unpacker) node(e tree.Entry) error {
	if e.Type != tree.Fifo && !u.owners {
		u.unmade = append(u.unmade, tree.Absolute(e.Path))
		return nil
	}
	err := u.within(e, func(dir int, name string) error { return makeNode(dir, name, e) })
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EPERM) {
		u.unmade = append(u.unmade, tree.Absolute(e.Path))
		return nil
	}
	if err != nil {
		return err
	}
	if err := u.own(e, func(uid, gid int) error { return u.root.Lchown(e.Path, uid, gid) }); err != nil {
		return err
	}
	if err := u.root.Chmod(e.Path, fileMode(e.Mode)); err != nil {
		return err
	}
	return u.setTimes(e)
}

// within calls act with the open folder of e and the name of e in it.
func (u *unpacker) within(e tree.Entry, act func(dir int, name string) error) error {
	parent := tree.Parent(e.Path)
	f, err := u.root.Open(parent)
	if err != nil {
		return err
	}
	defer f.Close()
	name := e.Path
	if parent != "." {
		name = e.Path[len(parent)+1:]
	}
	return act(int(f.Fd()), name)
}

// fileMode is a Unix mode in Go's terms.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for _, bit := range []struct {
		unix uint32
		mode fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if mode&bit.unix != 0 {
			m |= bit.mode
		}
	}
	return m
}
