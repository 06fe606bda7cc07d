package erofs

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"

	"kiln/internal/tree"
)

// writeInodes writes the inodes, and the blocks of directories.
func (f *fileSystem) writeInodes() error {
	out := bufio.NewWriterSize(io.NewOffsetWriter(f.w, f.data*BlockSize), 1<<20)
	var written int64
	put := func(b []byte) error {
		n, err := out.Write(b)
		written += int64(n)
		return err
	}
	for _, n := range f.inodes {
		if err := put(make([]byte, n.at-written)); err != nil {
			return err
		}
		if err := put(append(f.inode(n), n.xattrs...)); err != nil {
			return err
		}
		tail := n.tail
		if n.clusters != nil {
			tail = n.clusterMap(f.headSize(n), f.o.Compression.algorithm())
		}
		if n.entry.Type == tree.Dir {
			var err error
			if tail, err = f.writeDirectory(n); err != nil {
				return err
			}
		}
		if err := put(tail); err != nil {
			return err
		}
	}
	if err := put(make([]byte, blocks(f.meta)*BlockSize-written)); err != nil {
		return err
	}
	return out.Flush()
}

// Types of files, in modes and in directory entries.
var (
	modeBits = map[tree.Type]uint16{tree.Fifo: 0o010000, tree.CharDev: 0o020000, tree.Dir: 0o040000, tree.BlockDev: 0o060000, tree.File: 0o100000, tree.Symlink: 0o120000}
	kinds    = map[tree.Type]byte{tree.File: 1, tree.Dir: 2, tree.CharDev: 3, tree.BlockDev: 4, tree.Fifo: 5, tree.Symlink: 7}
)

// inode is struct erofs_inode_compact or erofs_inode_extended.
func (f *fileSystem) inode(n *inode) []byte {
	le, e := binary.LittleEndian, &n.entry
	format := uint16(layoutPlain)
	if n.inline() > 0 {
		format = layoutInline
	}
	if n.clusters != nil {
		format = layoutCompressed
	}
	format <<= 1
	count := 0
	if len(n.xattrs) > 0 {
		count = (len(n.xattrs)-12)/4 + 1
	}
	where := n.first
	if n.clusters != nil {
		where = 0 // blocks that the content takes
		for _, c := range n.clusters {
			where += uint32(c.blocks)
		}
	}
	if e.Type == tree.CharDev || e.Type == tree.BlockDev {
		where = e.Minor&0xff | e.Major<<8 | e.Minor&^0xff<<12
	}
	mode := uint16(e.Mode) | modeBits[e.Type]
	if !f.extended(n) {
		b := make([]byte, compactSize)
		le.PutUint16(b, format)
		le.PutUint16(b[2:], uint16(count))
		le.PutUint16(b[4:], mode)
		le.PutUint16(b[6:], uint16(n.links))
		le.PutUint32(b[8:], uint32(n.size))
		le.PutUint32(b[16:], where)
		le.PutUint32(b[20:], n.number)
		le.PutUint16(b[24:], uint16(e.UID))
		le.PutUint16(b[26:], uint16(e.GID))
		return b
	}
	b := make([]byte, extendedSize)
	le.PutUint16(b, format|1)
	le.PutUint16(b[2:], uint16(count))
	le.PutUint16(b[4:], mode)
	le.PutUint64(b[8:], uint64(n.size))
	le.PutUint32(b[16:], where)
	le.PutUint32(b[20:], n.number)
	le.PutUint32(b[24:], uint32(e.UID))
	le.PutUint32(b[28:], uint32(e.GID))
	le.PutUint64(b[32:], uint64(e.ModTime))
	le.PutUint32(b[44:], n.links)
	return b
}

// writeDirectory writes the blocks of a directory, and returns what stands behind
// its inode.
func (f *fileSystem) writeDirectory(n *inode) ([]byte, error) {
	all := n.blocksOfKids()
	for i, kids := range all {
		b := directoryBlock(kids)
		if i == len(all)-1 && !n.apart && len(b) < BlockSize {
			return b, nil
		}
		b = append(b, make([]byte, BlockSize-len(b))...)
		if _, err := f.w.WriteAt(b, (int64(n.first)+int64(i))*BlockSize); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// directoryBlock is struct erofs_dirent for each entry, and then their names.
func directoryBlock(kids []kid) []byte {
	b, at := make([]byte, len(kids)*direntSize), len(kids)*direntSize
	for i, k := range kids {
		d := b[i*direntSize:]
		binary.LittleEndian.PutUint64(d, uint64(k.node.at/slotSize))
		binary.LittleEndian.PutUint16(d[8:], uint16(at))
		d[10] = kinds[k.node.entry.Type]
		at += len(k.name)
	}
	for _, k := range kids {
		b = append(b, k.name...)
	}
	return b
}

const maxLabel = 15

// Features that a reader may do without.
const (
	featureChecksum = 1
	featureTime     = 2
)

// Features that a reader must know.
const (
	needsPadding = 0x1 // zeros before what is compressed
	needsConfig  = 0x2 // of the compression, behind the superblock; and large clusters
)

const superSize = 128

// super is the first block, with struct erofs_super_block.
func (f *fileSystem) super() []byte {
	le := binary.LittleEndian
	b := make([]byte, BlockSize)
	s := b[superOffset:]
	le.PutUint32(s, 0xe0f5e1e2)
	le.PutUint32(s[8:], featureChecksum|featureTime)
	s[12] = 12 // bits of the block size
	le.PutUint16(s[14:], uint16(f.inodes[0].at/slotSize))
	le.PutUint64(s[16:], uint64(len(f.inodes)))
	le.PutUint64(s[24:], uint64(f.o.Epoch))
	le.PutUint32(s[36:], uint32(f.size()/BlockSize))
	le.PutUint32(s[40:], uint32(f.data)) // where the inodes are
	copy(s[48:64], f.o.UUID[:])
	copy(s[64:80], f.o.Label)
	if !f.o.Compression.none() {
		le.PutUint32(s[80:], needsPadding|needsConfig)
		le.PutUint16(s[84:], 1<<f.o.Compression.algorithm())
		copy(s[superSize:], f.o.Compression.config())
	}
	le.PutUint32(s[4:], ^crc32.Checksum(s, crc32.MakeTable(crc32.Castagnoli)))
	return b
}
