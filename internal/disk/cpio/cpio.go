// Package cpio writes archives that the kernel unpacks as its initial file system: the
// "new ASCII" form of cpio(5), as the kernel's Documentation/driver-api/early-userspace/buffer-format.rst
// has it. Inode numbers are counted, so that the bytes are a function of the entries.
package cpio

import (
	"context"
	"fmt"
	"io"

	"kiln/internal/tree"
)

// Type bits of a mode, as stat(2) has them.
var typeBits = map[tree.Type]uint32{
	tree.File: 0o100000, tree.Dir: 0o040000, tree.Symlink: 0o120000,
	tree.CharDev: 0o020000, tree.BlockDev: 0o060000, tree.Fifo: 0o010000,
}

const (
	trailer = "TRAILER!!!"
	// maxSize bounds a file: sizes have eight hexadecimal digits.
	maxSize = 1<<32 - 1
)

// Write writes t as an archive, sorted, with file content out of c. The extended attributes
// of entries are lost, since the form has no place for them: entries with any are an error.
func Write(ctx context.Context, w io.Writer, t *tree.Tree, c tree.Contents) error {
	a := &archive{w: w, contents: c, inodes: map[string]uint32{}}
	for e := range t.All() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := a.add(t, &e); err != nil {
			return fmt.Errorf("cannot write %q to the cpio archive: %w", tree.Absolute(e.Path), err)
		}
	}
	return a.header(trailer, fields{nlink: 1})
}

type archive struct {
	w        io.Writer
	contents tree.Contents
	n        int64
	next     uint32
	inodes   map[string]uint32 // by the first name of a file with several
}

// fields are those of a header.
type fields struct {
	ino, mode, uid, gid, nlink, mtime, size, major, minor uint32
}

func (a *archive) add(t *tree.Tree, e *tree.Entry) error {
	switch {
	case len(e.Xattrs) > 0:
		return fmt.Errorf("it has extended attributes, which a cpio archive does not hold")
	case e.Size > maxSize:
		return fmt.Errorf("it has %d bytes, more than a cpio archive holds in a file", e.Size)
	case int64(e.ModTime) < 0 || int64(e.ModTime) > 1<<32-1:
		return fmt.Errorf("its time %d is none that a cpio archive holds", e.ModTime)
	}
	names := t.Names(e.Path)
	f := fields{
		ino: a.inode(names[0]), mode: e.Mode | typeBits[e.Type], uid: uint32(e.UID), gid: uint32(e.GID),
		nlink: uint32(len(names)), mtime: uint32(e.ModTime), major: e.Major, minor: e.Minor,
	}
	switch {
	case e.Type == tree.Dir:
		f.nlink = 2
	case e.Type == tree.Symlink:
		f.size = uint32(len(e.Link))
	case e.Type == tree.File && e.Path == names[len(names)-1]: // the content comes with the last name
		f.size = uint32(e.Size)
	}
	if err := a.header(e.Path, f); err != nil {
		return err
	}
	switch {
	case e.Type == tree.Symlink:
		return a.padded([]byte(e.Link))
	case f.size > 0:
		return a.content(e)
	}
	return nil
}

// inode numbers the file whose first name is given.
func (a *archive) inode(first string) uint32 {
	if n, ok := a.inodes[first]; ok {
		return n
	}
	a.next++
	a.inodes[first] = a.next
	return a.next
}

func (a *archive) header(name string, f fields) error {
	b := []byte("070701")
	for _, v := range []uint32{f.ino, f.mode, f.uid, f.gid, f.nlink, f.mtime, f.size, 0, 0, f.major, f.minor, uint32(len(name) + 1), 0} {
		b = fmt.Appendf(b, "%08X", v)
	}
	return a.padded(append(append(b, name...), 0))
}

// padded writes b, and zeros up to a multiple of four bytes.
func (a *archive) padded(b []byte) error {
	n, err := a.w.Write(b)
	if a.n += int64(n); err != nil {
		return err
	}
	return a.pad()
}

func (a *archive) pad() error {
	n, err := a.w.Write(make([]byte, -a.n&3))
	a.n += int64(n)
	return err
}

func (a *archive) content(e *tree.Entry) error {
	r, err := a.contents.OpenContent(e.Content)
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(a.w, r)
	if a.n += n; err != nil {
		return err
	}
	if n != e.Size {
		return fmt.Errorf("its content has %d bytes, not %d", n, e.Size)
	}
	return a.pad()
}
