package erofs

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// noBlock is the number of no block.
const noBlock = math.MaxUint32

// inode is a file, whatever its type.
type inode struct {
	entry    tree.Entry // of its first name
	links    uint32
	number   uint32    // counted in path order, from 1
	xattrs   []byte    // as they stand behind the inode
	size     int64     // of the content, in bytes
	first    uint32    // block of the content; noBlock where there is none
	tail     []byte    // of a file's or link's content, if it stands behind the inode
	kids     []kid     // of a directory, sorted by name
	clusters []cluster // of a file, where it is compressed
	at       int64     // where it stands, in bytes, among the inodes
	apart    bool      // the end of the content has a block of its own: it does not fit behind the inode
}

// kid is an entry of a directory.
type kid struct {
	name string
	node *inode
}

// Layouts of an inode's content.
const (
	layoutPlain      = 0
	layoutCompressed = 1
	layoutInline     = 2
)

const (
	compactSize  = 32
	extendedSize = 64
)

// list gives a directory its entries, "." and ".." among them, and so its size.
func (f *fileSystem) list(n *inode) {
	up := n
	if n.entry.Path != "." {
		up = f.byPath[tree.Parent(n.entry.Path)]
	}
	n.kids = []kid{{".", n}, {"..", up}}
	for _, path := range f.tree.Children(n.entry.Path) {
		n.kids = append(n.kids, kid{path[strings.LastIndexByte(path, '/')+1:], f.byPath[path]})
	}
	slices.SortFunc(n.kids, func(x, y kid) int { return cmp.Compare(x.name, y.name) })
	all := n.blocksOfKids()
	n.size = int64(len(all)-1) * BlockSize
	for _, k := range all[len(all)-1] {
		n.size += direntSize + int64(len(k.name))
	}
}

const direntSize = 12

// blocksOfKids cuts the entries of a directory into blocks.
func (n *inode) blocksOfKids() (all [][]kid) {
	first, used := 0, 0
	for i, k := range n.kids {
		need := direntSize + len(k.name)
		if used+need > BlockSize {
			all = append(all, n.kids[first:i])
			first, used = i, 0
		}
		used += need
	}
	return append(all, n.kids[first:])
}

// extended reports whether the small form cannot say all of the inode.
func (f *fileSystem) extended(n *inode) bool {
	e := &n.entry
	return e.ModTime != f.o.Epoch || n.size > math.MaxUint32 || e.UID > math.MaxUint16 || e.GID > math.MaxUint16 || n.links > math.MaxUint16
}

// tooLong reports whether the end of the content does not fit into a block with the inode.
func (f *fileSystem) tooLong(n *inode) bool { return f.headSize(n)+n.size%BlockSize > BlockSize }

// inline is how much of the content stands behind the inode, in bytes.
func (n *inode) inline() int64 {
	switch {
	case n.apart || n.clusters != nil || n.entry.Type != tree.File && n.entry.Type != tree.Dir && n.entry.Type != tree.Symlink:
		return 0
	}
	return n.size % BlockSize
}

// headSize is what stands before the tail, in bytes.
func (f *fileSystem) headSize(n *inode) int64 {
	size := int64(compactSize)
	if f.extended(n) {
		size = extendedSize
	}
	return size + int64(len(n.xattrs))
}

// place gives each inode its place, and to directories, and to tails that do not fit,
// blocks. The root comes first: its number must be small.
func (f *fileSystem) place() {
	f.meta = slotSize // no inode has the number 0
	for i, n := range f.inodes {
		n.number = uint32(i + 1)
		if n.entry.Type == tree.Dir {
			if n.apart = f.tooLong(n); n.apart || n.size >= BlockSize {
				n.first = uint32(f.data)
			}
			f.data += n.size / BlockSize
			if n.apart {
				f.data++
			}
		}
		head, tail := f.headSize(n), n.inline()
		if room := BlockSize - f.meta%BlockSize; head+tail > room && head+tail <= BlockSize {
			f.meta += room // neither inode nor tail lies in two blocks
		}
		n.at = f.meta
		f.meta += (head + n.mapSize(head) + tail + slotSize - 1) / slotSize * slotSize
	}
}

// attributes returns extended attributes as they stand behind an inode.
func attributes(all map[string]string) ([]byte, error) {
	if len(all) == 0 {
		return nil, nil
	}
	b := make([]byte, 12) // erofs_xattr_ibody_header: none are shared
	for _, name := range slices.Sorted(maps.Keys(all)) {
		index, rest := prefix(name)
		value := all[name]
		if index == 0 || len(rest) > math.MaxUint8 || len(value) > math.MaxUint16 {
			return nil, fmt.Errorf("it cannot hold the extended attribute %q of %d bytes", name, len(value))
		}
		b = append(b, byte(len(rest)), index)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
		b = append(append(b, rest...), value...)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	if len(b) > BlockSize-extendedSize {
		return nil, fmt.Errorf("it has %d bytes of extended attributes, more than a block holds", len(b))
	}
	return b, nil
}

// prefix is the number of the beginning of an attribute's name, and what follows.
func prefix(name string) (byte, string) {
	for i, p := range []string{"user.", "system.posix_acl_access", "system.posix_acl_default", "trusted.", "", "security."} {
		if rest, ok := strings.CutPrefix(name, p); ok && p != "" {
			return byte(i + 1), rest
		}
	}
	return 0, name
}
