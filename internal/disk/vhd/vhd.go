// Package vhd writes disks as Azure takes them: fixed VHD of Microsoft's "Virtual Hard Disk Image Format
// Specification" 1.0, which is the disk as it is and a footer.
package vhd

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/disk/sparse"
)

// Alignment is what the size of a disk must be a multiple of, in bytes, for Azure.
const Alignment = 1 << 20

const (
	footerSize = 512
	maxSize    = 2040 << 30                 // bytes
	years      = 946684800                  // seconds from 1970 to 2000, from which its time counts
	fixed      = 2                          // the type
	creator    = "win \x00\x0a\x00\x00Wi2k" // what readers take for one that says its size exactly
)

// Options say what a disk is made with.
type Options struct {
	ID    [16]byte
	Epoch kiln.Epoch
}

// Write writes the disk, whose size is a multiple of Alignment. Zeros are left out.
func Write(ctx context.Context, w io.WriterAt, m *sparse.Image, o Options) error {
	if m.Size()%Alignment != 0 || m.Size() <= 0 || m.Size() > maxSize {
		return fmt.Errorf("cannot write the VHD: %d bytes are no size for it: want a multiple of %d, at most %d", m.Size(), Alignment, int64(maxSize))
	}
	err := sparse.WriteRaw(ctx, w, m)
	if err == nil {
		_, err = w.WriteAt(footer(m.Size(), o), m.Size())
	}
	if err != nil {
		return fmt.Errorf("cannot write the VHD: %w", err)
	}
	return nil
}

func footer(size int64, o Options) []byte {
	be := binary.BigEndian
	b := make([]byte, footerSize)
	copy(b, "conectix")
	be.PutUint32(b[8:], 2) // features: a bit that is always set
	be.PutUint32(b[12:], 0x10000)
	be.PutUint64(b[16:], 1<<64-1) // no header of a dynamic disk
	be.PutUint32(b[24:], uint32(max(0, int64(o.Epoch)-years)))
	copy(b[28:], creator)
	be.PutUint64(b[40:], uint64(size))
	be.PutUint64(b[48:], uint64(size))
	cylinders, heads, sectors := geometry(size / 512)
	be.PutUint16(b[56:], uint16(cylinders))
	b[58], b[59] = byte(heads), byte(sectors)
	be.PutUint32(b[60:], fixed)
	copy(b[68:84], o.ID[:])
	sum := uint32(0)
	for _, c := range b {
		sum += uint32(c)
	}
	be.PutUint32(b[64:], ^sum)
	return b
}

// geometry is that of the appendix of the specification, for a size in sectors.
func geometry(total int64) (cylinders, heads, sectors int64) {
	total = min(total, 65535*16*255)
	if total >= 65535*16*63 {
		return total / 255 / 16, 16, 255
	}
	sectors = 17
	tracks := total / sectors
	heads = max(4, (tracks+1023)/1024)
	if tracks >= heads*1024 || heads > 16 {
		sectors, heads = 31, 16
		tracks = total / sectors
	}
	if tracks >= heads*1024 {
		sectors, heads = 63, 16
		tracks = total / sectors
	}
	return tracks / heads, heads, sectors
}
