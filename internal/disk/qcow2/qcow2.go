// Package qcow2 writes disks as QEMU keeps them: version 3 of QEMU's docs/interop/qcow2.txt, with clusters of
// 64 KiB. Clusters that hold zeros alone take no room; the others are compressed by deflate, one by
// one, where that makes them smaller. The bytes are a function of the disk's content.
package qcow2

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"

	"kiln/internal/disk/sparse"
)

const (
	clusterBits = 16
	clusterSize = 1 << clusterBits
	perTable    = clusterSize / 8 // clusters that a level 2 table maps
	perRefs     = clusterSize / 2 // clusters whose references a block counts
	headerSize  = 112
	window      = 4096 // bytes that QEMU's inflate looks back

	copied     = 1 << 63 // a cluster that is referred to once
	compressed = 1 << 62
	sizeShift  = 62 - (clusterBits - 8) // of the number of sectors, in what says where a compressed cluster lies
	sectorSize = 512
)

// Write writes the disk, whose size is a multiple of 512 bytes.
func Write(ctx context.Context, w io.WriterAt, m *sparse.Image) error {
	f := &file{w: w, clusters: clusters(m.Size())}
	if err := f.write(ctx, m); err != nil {
		return fmt.Errorf("cannot write the qcow2 image: %w", err)
	}
	return nil
}

func clusters(n int64) int64 { return (n + clusterSize - 1) / clusterSize }

// file is one that is written: header, the level 1 table, level 2 tables and clusters as they come, references.
type file struct {
	w        io.WriterAt
	clusters int64              // of the disk
	tables   map[int64][]uint64 // level 2, by number
	places   map[int64]int64    // of them, in bytes
	end      int64              // of what is written, in bytes
	refs     []uint16           // to each cluster of the file
}

func (f *file) write(ctx context.Context, m *sparse.Image) error {
	if m.Size()%sectorSize != 0 || m.Size() == 0 {
		return fmt.Errorf("%d bytes are no size for it: want a multiple of %d", m.Size(), sectorSize)
	}
	f.tables, f.places = map[int64][]uint64{}, map[int64]int64{}
	l1 := clusters((f.clusters + perTable - 1) / perTable * 8)
	f.end = (1 + l1) * clusterSize
	f.refer(0, f.end)
	if err := sparse.Each(ctx, m, clusterSize, compressor, f.add); err != nil {
		return err
	}
	f.end = clusters(f.end) * clusterSize
	level1 := make([]byte, l1*clusterSize)
	for i := range (f.clusters + perTable - 1) / perTable {
		if f.tables[i] == nil {
			continue
		}
		var b []byte
		for _, v := range f.tables[i] {
			b = binary.BigEndian.AppendUint64(b, v)
		}
		binary.BigEndian.PutUint64(level1[8*i:], uint64(f.end)|copied)
		if err := f.put(b); err != nil {
			return err
		}
	}
	if _, err := f.w.WriteAt(level1, clusterSize); err != nil {
		return err
	}
	table, size, err := f.putReferences()
	if err != nil {
		return err
	}
	_, err = f.w.WriteAt(header(m.Size(), (f.clusters+perTable-1)/perTable, table, size), 0)
	return err
}

// cluster is one of the disk.
type cluster struct {
	raw, small []byte // small: where it was compressed
}

// compressor returns what compresses clusters.
func compressor() func([]byte) (cluster, error) {
	var out bytes.Buffer
	z, err := flate.NewWriterWindow(&out, window)
	return func(b []byte) (cluster, error) {
		if err != nil {
			return cluster{}, err
		}
		out.Reset()
		z.Reset(&out)
		whole := b
		if len(b) < clusterSize {
			whole = append(bytes.Clone(b), make([]byte, clusterSize-len(b))...)
		}
		if _, err := z.Write(whole); err != nil {
			return cluster{}, err
		}
		if err := z.Close(); err != nil {
			return cluster{}, err
		}
		if out.Len() > clusterSize-clusterSize/16 { // reading it as it is costs less
			return cluster{raw: bytes.Clone(whole)}, nil
		}
		return cluster{small: bytes.Clone(out.Bytes())}, nil
	}
}

// add writes a cluster.
func (f *file) add(off int64, c cluster) error {
	n := off / clusterSize
	if f.tables[n/perTable] == nil {
		f.tables[n/perTable] = make([]uint64, perTable)
	}
	entry := &f.tables[n/perTable][n%perTable]
	if c.small == nil {
		f.end = clusters(f.end) * clusterSize
		*entry = uint64(f.end) | copied
		return f.put(c.raw)
	}
	end := (f.end + int64(len(c.small)) + sectorSize - 1) / sectorSize * sectorSize
	sectors := end/sectorSize - f.end/sectorSize - 1
	*entry = uint64(f.end) | uint64(sectors)<<sizeShift | compressed
	f.refer(f.end, end)
	_, err := f.w.WriteAt(c.small, f.end)
	f.end += int64(len(c.small))
	return err
}

// put writes whole clusters at the end.
func (f *file) put(b []byte) error {
	f.refer(f.end, f.end+int64(len(b)))
	_, err := f.w.WriteAt(b, f.end)
	f.end += int64(len(b))
	return err
}

// refer counts a reference to each cluster of the file between two offsets.
func (f *file) refer(from, to int64) {
	for n := from / clusterSize; n < clusters(to); n++ {
		for int64(len(f.refs)) <= n {
			f.refs = append(f.refs, 0)
		}
		f.refs[n]++
	}
}

// putReferences writes how often each cluster is referred to, these tables' own among
// them. It returns where the table lies, and its size in clusters.
func (f *file) putReferences() (at, size int64, err error) {
	used := f.end / clusterSize
	blocks := int64(0)
	for { // they count themselves
		size = clusters(8 * blocks)
		need := (used + size + blocks + perRefs - 1) / perRefs
		if need == blocks {
			break
		}
		blocks = need
	}
	at = f.end
	f.refer(at, at+(size+blocks)*clusterSize)
	table := make([]byte, size*clusterSize)
	counts := make([]byte, blocks*clusterSize)
	for i := range blocks {
		binary.BigEndian.PutUint64(table[8*i:], uint64(at+(size+i)*clusterSize))
	}
	for i, n := range f.refs {
		binary.BigEndian.PutUint16(counts[2*i:], n)
	}
	_, err = f.w.WriteAt(append(table, counts...), at)
	return at, size, err
}

func header(size, tables, refs, refSize int64) []byte {
	be := binary.BigEndian
	b := make([]byte, clusterSize)
	copy(b, "QFI\xfb")
	be.PutUint32(b[4:], 3)
	be.PutUint32(b[20:], clusterBits)
	be.PutUint64(b[24:], uint64(size))
	be.PutUint32(b[36:], uint32(tables))
	be.PutUint64(b[40:], clusterSize) // of the level 1 table
	be.PutUint64(b[48:], uint64(refs))
	be.PutUint32(b[56:], uint32(refSize))
	be.PutUint32(b[96:], 4) // bits of a reference count, as a power of two
	be.PutUint32(b[100:], headerSize)
	return b
}
