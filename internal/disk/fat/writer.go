package fat

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
	"unicode/utf16"

	"kiln"
)

// writer keeps the first error, and counts.
type writer struct {
	w   io.Writer
	n   int64
	err error
}

func (w *writer) bytes(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.n += int64(n)
	w.err = err
}

func (w *writer) zeros(n int64) {
	zero := make([]byte, min(max(n, 0), 1<<20))
	for n > 0 && w.err == nil {
		part := min(n, int64(len(zero)))
		w.bytes(zero[:part])
		n -= part
	}
}

// Offsets of the boot sector's fields.
const (
	bootLabel  = 71
	signature  = 510
	infoSector = 1
	backup     = 6
)

// head is what stands before the first FAT: boot sector, information, both again.
func (g geometry) head(o Options, label [11]byte, a *allocation) []byte {
	le := binary.LittleEndian
	b := make([]byte, reserved*SectorSize)
	copy(b, []byte{0xeb, 0x58, 0x90})
	copy(b[3:], "MSWIN4.1") // what readers expect
	le.PutUint16(b[11:], SectorSize)
	b[13] = byte(g.perCluster)
	le.PutUint16(b[14:], reserved)
	b[16] = fats
	b[21] = 0xf8             // a fixed disk
	le.PutUint16(b[24:], 32) // sectors a track
	le.PutUint16(b[26:], 64) // heads
	le.PutUint32(b[32:], g.sectors)
	le.PutUint32(b[36:], g.fatSectors)
	le.PutUint32(b[44:], rootCluster)
	le.PutUint16(b[48:], infoSector)
	le.PutUint16(b[50:], backup)
	b[64], b[66] = 0x80, 0x29 // the drive; what follows is there
	le.PutUint32(b[67:], o.VolumeID)
	copy(b[bootLabel:], label[:])
	copy(b[82:], "FAT32   ")
	copy(b[90:], []byte{0xeb, 0xfe}) // whoever boots this stays here
	info := b[infoSector*SectorSize:]
	copy(info, "RRaA")
	copy(info[484:], "rrAa")
	le.PutUint32(info[488:], g.clusters-(a.next-rootCluster)) // free
	le.PutUint32(info[492:], a.next)
	for sector := range 3 {
		end := b[sector*SectorSize+signature:]
		end[0], end[1] = 0x55, 0xaa
	}
	copy(b[backup*SectorSize:], b[:3*SectorSize])
	return b
}

// table is the file allocation table, as far as anything is in it.
func (a *allocation) table() []byte {
	b := make([]byte, int64(a.next)*4)
	binary.LittleEndian.PutUint32(b, 0x0ffffff8)
	binary.LittleEndian.PutUint32(b[4:], endOfChain)
	for i, n := range a.order {
		end := a.next
		if i+1 < len(a.order) {
			end = a.order[i+1].cluster
		}
		for c := n.cluster; c < end; c++ {
			next := c + 1
			if next == end {
				next = endOfChain
			}
			binary.LittleEndian.PutUint32(b[int64(c)*4:], next)
		}
	}
	return b
}

// node writes the clusters of n.
func (w *writer) node(n *node, g geometry, label [11]byte, epoch kiln.Epoch) {
	if n.dir() {
		w.bytes(n.entries(label, epoch))
	} else {
		w.file(n.file)
	}
	if rest := n.size % g.clusterSize(); rest > 0 {
		w.zeros(g.clusterSize() - rest)
	}
}

func (w *writer) file(f *File) {
	if w.err != nil {
		return
	}
	r, err := f.Open()
	if err != nil {
		w.err = fmt.Errorf("%q: %w", f.Path, err)
		return
	}
	defer r.Close()
	n, err := io.Copy(w.w, io.LimitReader(r, f.Size+1))
	w.n += n
	if err == nil && n != f.Size {
		err = fmt.Errorf("%q has %d bytes, not %d", f.Path, n, f.Size)
	}
	w.err = err
}

// Attributes of a directory entry.
const (
	attrLabel   = 0x08
	attrDir     = 0x10
	attrArchive = 0x20
	attrLong    = 0x0f
)

// entries is the content of a directory.
func (n *node) entries(label [11]byte, epoch kiln.Epoch) []byte {
	var b []byte
	if n.up == nil {
		b = appendShort(b, label, attrLabel, epoch, 0, 0)
	} else {
		up := n.up.cluster
		if n.up.up == nil {
			up = 0 // the root has no number here
		}
		b = appendShort(b, [11]byte([]byte(".          ")), attrDir, n.time, n.cluster, 0)
		b = appendShort(b, [11]byte([]byte("..         ")), attrDir, n.up.time, up, 0)
	}
	for _, kid := range n.kids {
		b = kid.appendLong(b)
		if kid.dir() {
			b = appendShort(b, kid.short, attrDir, kid.time, kid.cluster, 0)
		} else {
			b = appendShort(b, kid.short, attrArchive, kid.time, kid.cluster, uint32(kid.file.Size))
		}
	}
	return b
}

func appendShort(b []byte, name [11]byte, attributes byte, t kiln.Epoch, cluster, size uint32) []byte {
	e := make([]byte, dirEntrySize)
	copy(e, name[:])
	e[11] = attributes
	day, seconds := dosTime(t)
	le := binary.LittleEndian
	le.PutUint16(e[14:], seconds) // made
	le.PutUint16(e[16:], day)
	le.PutUint16(e[18:], day) // read
	le.PutUint16(e[20:], uint16(cluster>>16))
	le.PutUint16(e[22:], seconds) // written
	le.PutUint16(e[24:], day)
	le.PutUint16(e[26:], uint16(cluster))
	le.PutUint32(e[28:], size)
	return append(b, e...)
}

// appendLong adds the entries of a long name, the last part first.
func (n *node) appendLong(b []byte) []byte {
	units := utf16.Encode([]rune(n.name))
	count := n.longEntries()
	for part := count; part >= 1; part-- {
		e := make([]byte, dirEntrySize)
		e[0] = byte(part)
		if part == count {
			e[0] |= 0x40
		}
		e[11], e[13] = attrLong, checksum(n.short)
		for i := range perLong {
			unit, at := uint16(0xffff), (part-1)*perLong+i
			switch {
			case at < len(units):
				unit = units[at]
			case at == len(units):
				unit = 0
			}
			binary.LittleEndian.PutUint16(e[unitOffset(i):], unit)
		}
		b = append(b, e...)
	}
	return b
}

// unitOffset is where the i-th unit of a part of a long name stands in its entry.
func unitOffset(i int) int {
	switch {
	case i < 5:
		return 1 + 2*i
	case i < 11:
		return 14 + 2*(i-5)
	}
	return 28 + 2*(i-11)
}

// dosTime is a time as directory entries have it, in UTC: from 1980 to 2107, by two seconds.
func dosTime(t kiln.Epoch) (day, seconds uint16) {
	at := t.Time()
	if at.Year() < 1980 {
		at = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if at.Year() > 2107 {
		at = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	day = uint16((at.Year()-1980)<<9 | int(at.Month())<<5 | at.Day())
	return day, uint16(at.Hour()<<11 | at.Minute()<<5 | at.Second()/2)
}
