// Package erofs writes a tree as an EROFS file system: the read-only root of an image
// that boots. The format is that of the kernel's fs/erofs/erofs_fs.h and
// Documentation/filesystems/erofs.rst, with blocks of 4096 bytes: hard links, devices, extended
// attributes, the ends of files packed beside their inodes, and files compressed where that is wanted. The bytes
// are a function of the tree and the options: nothing is random, and no clock is read.
package erofs

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// BlockSize is the size of a block in bytes; what is written is a multiple of it.
const BlockSize = 4096

const (
	superOffset = 1024
	slotSize    = 32 // bytes between two numbers of inodes
	maxBlocks   = 1<<32 - 1
)

// Options say what a file system is made with.
type Options struct {
	UUID  [16]byte
	Label string     // 15 bytes at most
	Epoch kiln.Epoch // of the file system: an inode of that time is half as large

	Compression Compression // of files that are larger than a block, where that saves one

	// Earlier, where it is given, is a file system that was written before with the same Compression: what both
	// hold is copied out of it, and not compressed again. It changes no byte.
	Earlier *Earlier
	// Written, where it is given, is told of each file whose content Earlier can name the next time.
	Written func(content kiln.Digest, p Place)
}

// Write writes t, with file content out of c. It returns the size in bytes.
// Content is read once, in the order of paths.
func Write(ctx context.Context, w io.WriterAt, t *tree.Tree, c tree.Contents, o Options) (int64, error) {
	f := &fileSystem{ctx: ctx, w: w, tree: t, contents: c, o: o}
	if err := f.write(); err != nil {
		return 0, fmt.Errorf("cannot write the EROFS file system: %w", err)
	}
	return f.size(), nil
}

// fileSystem is one that is being written: first the content of files, as whole
// blocks, then the inodes with all else.
type fileSystem struct {
	ctx      context.Context
	w        io.WriterAt
	tree     *tree.Tree
	contents tree.Contents
	o        Options

	inodes []*inode          // in path order
	byPath map[string]*inode // by any name
	data   int64             // blocks up to the end of content, the superblock's among them
	meta   int64             // bytes of inodes
}

func (f *fileSystem) size() int64 { return f.data*BlockSize + blocks(f.meta)*BlockSize }

// blocks is how many blocks so many bytes take.
func blocks(n int64) int64 { return (n + BlockSize - 1) / BlockSize }

func (f *fileSystem) write() error {
	if len(f.o.Label) > maxLabel {
		return fmt.Errorf("the label %q has more than %d bytes", f.o.Label, maxLabel)
	}
	if err := f.o.Compression.check(); err != nil {
		return err
	}
	if err := f.collect(); err != nil {
		return err
	}
	if err := f.writeContents(); err != nil {
		return err
	}
	f.place()
	if f.data+blocks(f.meta) > maxBlocks {
		return fmt.Errorf("%d blocks are more than it can have", f.data+blocks(f.meta))
	}
	if err := f.writeInodes(); err != nil {
		return err
	}
	_, err := f.w.WriteAt(f.super(), 0)
	return err
}

// writeContents writes what is in files and links, in the order of paths.
func (f *fileSystem) writeContents() error {
	f.data = 1
	p := f.startPacker()
	defer p.stop()
	for _, n := range f.inodes {
		err := f.ctx.Err()
		switch {
		case err != nil:
			return context.Cause(f.ctx)
		case f.known(n):
			err = f.copyClusters(n)
		case f.compressed(n):
			err = f.writeClusters(n, p)
		default:
			err = f.writeContent(n)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", tree.Absolute(n.entry.Path), err)
		}
	}
	return nil
}

// collect makes an inode of each file, whatever number of names it has.
func (f *fileSystem) collect() error {
	f.byPath = make(map[string]*inode, f.tree.Len())
	for e := range f.tree.All() {
		if e.Hard {
			f.byPath[e.Path] = f.byPath[e.Link]
			f.byPath[e.Path].links++
			continue
		}
		n := &inode{entry: e, links: 1, first: noBlock}
		if e.Type == tree.Dir {
			n.links = 2
		}
		var err error
		if n.xattrs, err = attributes(e.Xattrs); err != nil {
			return fmt.Errorf("%q: %w", tree.Absolute(e.Path), err)
		}
		f.byPath[e.Path] = n
		f.inodes = append(f.inodes, n)
		if up := f.byPath[tree.Parent(e.Path)]; e.Type == tree.Dir && e.Path != "." {
			up.links++
		}
	}
	for _, n := range f.inodes {
		if n.entry.Type == tree.Dir {
			f.list(n)
		}
	}
	return nil
}

// writeContent writes the whole blocks of a file's content and keeps its end.
func (f *fileSystem) writeContent(n *inode) error {
	switch n.entry.Type {
	case tree.Symlink:
		n.size = int64(len(n.entry.Link))
		return f.copy(n, strings.NewReader(n.entry.Link))
	case tree.File:
	default:
		return nil
	}
	n.size = n.entry.Size
	if n.size == 0 {
		return nil
	}
	r, err := f.contents.OpenContent(n.entry.Content)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := f.copy(n, r); err != nil {
		return err
	}
	return ended(r)
}

// ended reads the end of a content: what verifies says there whether it was right.
func ended(r io.Reader) error {
	if extra, err := io.Copy(io.Discard, r); err != nil || extra > 0 {
		return fmt.Errorf("its content has %d bytes more than it is to have: %w", extra, err)
	}
	return nil
}

// copy writes the content of n, or keeps what is to stand behind the inode.
func (f *fileSystem) copy(n *inode, r io.Reader) error {
	n.apart = f.tooLong(n)
	whole := n.size / BlockSize
	if whole > 0 || n.apart {
		n.first = uint32(f.data)
	}
	buffer := make([]byte, min(whole*BlockSize, 1<<20))
	for left := whole * BlockSize; left > 0; {
		part := buffer[:min(left, int64(len(buffer)))]
		if _, err := io.ReadFull(r, part); err != nil {
			return err
		}
		if _, err := f.w.WriteAt(part, f.data*BlockSize); err != nil {
			return err
		}
		f.data += int64(len(part)) / BlockSize
		left -= int64(len(part))
	}
	tail := make([]byte, n.size%BlockSize)
	if _, err := io.ReadFull(r, tail); err != nil {
		return err
	}
	if !n.apart {
		n.tail = tail
		return nil
	}
	_, err := f.w.WriteAt(append(tail, make([]byte, BlockSize-len(tail))...), f.data*BlockSize)
	f.data++
	return err
}
