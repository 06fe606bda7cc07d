// Package vmdk writes disks as vSphere imports them: the stream-optimised form of VMware's "Virtual
// Disk Format" 5.0, whose grains of 64 KiB are compressed one by one, and which is written from front to back. Grains
// that hold zeros alone are left out. The bytes are a function of the content and the options.
package vmdk

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"

	"kiln/internal/disk/sparse"
)

const (
	sectorSize   = 512
	grain        = 128 // sectors
	grainSize    = grain * sectorSize
	perTable     = 512 // grains that a table maps
	descriptor   = 20  // sectors that the descriptor may take
	overhead     = 128 // sectors before the first grain
	deflate      = 1
	flags        = 1 | 1<<16 | 1<<17 // line ends are checked; grains are compressed; there are markers
	atEnd        = 1<<64 - 1
	markEnd      = 0
	markTable    = 1
	markDir      = 2
	markFooter   = 3
	zlibLevel    = zlib.BestSpeed
	maxCylinders = 65535
)

// Options say what a disk is made with.
type Options struct {
	CID uint32 // content id: changes with the content
}

// Write writes the disk, whose size is a multiple of 64 KiB.
func Write(ctx context.Context, w io.Writer, m *sparse.Image, o Options) error {
	f := &file{w: w, capacity: m.Size() / sectorSize}
	if err := f.write(ctx, m, o); err != nil {
		return fmt.Errorf("cannot write the VMDK: %w", err)
	}
	return nil
}

// file is one that is being written.
type file struct {
	w        io.Writer
	n        int64 // sectors written
	capacity int64 // sectors of the disk
	tables   []uint32
	current  int64 // the table whose grains are being written; -1 before the first
	table    [perTable]uint32
}

func (f *file) write(ctx context.Context, m *sparse.Image, o Options) error {
	if m.Size()%grainSize != 0 || m.Size() == 0 {
		return fmt.Errorf("%d bytes are no size for it: want a multiple of %d", m.Size(), grainSize)
	}
	f.tables = make([]uint32, (f.capacity/grain+perTable-1)/perTable)
	f.current = -1
	head := append(f.header(atEnd), f.describe(o)...)
	if err := f.put(append(head, make([]byte, overhead*sectorSize-len(head))...)); err != nil {
		return err
	}
	if err := sparse.Each(ctx, m, grainSize, compressor, f.add); err != nil {
		return err
	}
	if err := f.endTable(); err != nil {
		return err
	}
	size := (len(f.tables)*4 + sectorSize - 1) / sectorSize * sectorSize
	if err := f.put(marker(int64(size/sectorSize), markDir)); err != nil {
		return err
	}
	at := f.n
	directory := make([]byte, size)
	for i, v := range f.tables {
		binary.LittleEndian.PutUint32(directory[4*i:], v)
	}
	for _, b := range [][]byte{directory, marker(1, markFooter), f.header(uint64(at)), marker(0, markEnd)} {
		if err := f.put(b); err != nil {
			return err
		}
	}
	return nil
}

// put writes whole sectors.
func (f *file) put(b []byte) error {
	f.n += int64(len(b)) / sectorSize
	_, err := f.w.Write(b)
	return err
}

func compressor() func([]byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, zlibLevel)
	return func(b []byte) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		out.Reset()
		z.Reset(&out)
		if _, err := z.Write(b); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		return bytes.Clone(out.Bytes()), nil
	}
}

// add writes a grain, and before it the table of those that lie before its own.
func (f *file) add(off int64, small []byte) error {
	number := off / grainSize
	if number/perTable != f.current {
		if err := f.endTable(); err != nil {
			return err
		}
		f.current = number / perTable
	}
	f.table[number%perTable] = uint32(f.n)
	b := binary.LittleEndian.AppendUint64(nil, uint64(off/sectorSize))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(small)))
	b = append(b, small...)
	return f.put(append(b, make([]byte, -len(b)&(sectorSize-1))...))
}

// endTable writes the table of the grains that were written last.
func (f *file) endTable() error {
	if f.current < 0 {
		return nil
	}
	b := marker(perTable*4/sectorSize, markTable)
	for _, v := range f.table {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	f.tables[f.current] = uint32(f.n + 1)
	f.table = [perTable]uint32{}
	return f.put(b)
}

func marker(sectors int64, kind uint32) []byte {
	b := make([]byte, sectorSize)
	binary.LittleEndian.PutUint64(b, uint64(sectors))
	binary.LittleEndian.PutUint32(b[12:], kind)
	return b
}

// header is struct SparseExtentHeader.
func (f *file) header(directory uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, sectorSize)
	copy(b, "KDMV")
	le.PutUint32(b[4:], 3)
	le.PutUint32(b[8:], flags)
	le.PutUint64(b[12:], uint64(f.capacity))
	le.PutUint64(b[20:], grain)
	le.PutUint64(b[28:], 1)
	le.PutUint64(b[36:], descriptor)
	le.PutUint32(b[44:], perTable)
	le.PutUint64(b[56:], directory)
	le.PutUint64(b[64:], overhead)
	copy(b[73:], "\n \r\n")
	le.PutUint16(b[77:], deflate)
	return b
}

// describe is the descriptor, in the sectors that it may take.
func (f *file) describe(o Options) []byte {
	b := make([]byte, descriptor*sectorSize)
	copy(b, fmt.Sprintf(`# Disk DescriptorFile
version=1
CID=%08x
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW %d SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "%d"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "13"
`, o.CID, f.capacity, min(f.capacity/(255*63), maxCylinders)))
	return b
}
