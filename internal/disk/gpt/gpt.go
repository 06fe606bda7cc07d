// Package gpt writes a disk's partition table: GUID Partition Table as of the UEFI
// specification 2.10, chapter 5, with its protective MBR, for sectors of 512 bytes. Nothing
// in it is random: GUIDs are the caller's, and Derive makes them of what they stand for.
package gpt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf16"
)

// SectorSize is the size of a sector in bytes.
const SectorSize = 512

// Alignment is where partitions may begin, in bytes.
const Alignment = 1 << 20

const (
	entries     = 128
	entrySize   = 128
	headerSize  = 92
	tableSize   = entries * entrySize
	tableSector = tableSize / SectorSize
	maxName     = 36 // UTF-16 units

	// HeadSize and TailSize are what the table takes at both ends of the disk, in bytes.
	HeadSize = (2 + tableSector) * SectorSize
	TailSize = (1 + tableSector) * SectorSize
)

// GUID is a GUID as it is written: in the order of its text, not in that of the disk.
type GUID [16]byte

// ParseGUID reads "c12a7328-f81f-11d2-ba4b-00a0c93ec93b".
func ParseGUID(s string) (g GUID, err error) {
	digits := strings.ReplaceAll(s, "-", "")
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || len(digits) != 32 {
		return g, fmt.Errorf("%q is no GUID", s)
	}
	if _, err := hex.Decode(g[:], []byte(digits)); err != nil {
		return g, fmt.Errorf("%q is no GUID: %w", s, err)
	}
	return g, nil
}

// MustGUID is ParseGUID of what is known to be one.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

func (g GUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// Derive makes a GUID of what it stands for: version 8 of RFC 9562, by SHA-256.
func Derive(of ...string) (g GUID) {
	sum := sha256.Sum256(fmt.Appendf(nil, "kiln guid %q", of))
	copy(g[:], sum[:])
	g[6] = g[6]&0x0f | 0x80
	g[8] = g[8]&0x3f | 0x80
	return g
}

// disk returns the GUID as it stands on the disk: its first three parts little-endian.
func (g GUID) disk() []byte {
	b := bytes.Clone(g[:])
	for _, part := range [][]byte{b[:4], b[4:6], b[6:8]} {
		for i, j := 0, len(part)-1; i < j; i, j = i+1, j-1 {
			part[i], part[j] = part[j], part[i]
		}
	}
	return b
}

// Attributes of a partition, of the discoverable partitions specification.
const (
	ReadOnly uint64 = 1 << 60
	NoAuto   uint64 = 1 << 63
	GrowFS   uint64 = 1 << 59
)

// Partition is an entry of the table.
type Partition struct {
	Type, GUID GUID
	Name       string // 36 UTF-16 units at most
	Start      int64  // bytes, a multiple of Alignment
	Size       int64  // bytes, a positive multiple of SectorSize
	Attributes uint64
}

// Table is a partition table.
type Table struct {
	Disk       GUID
	Size       int64 // of the disk, in bytes; a multiple of SectorSize
	Partitions []Partition
}

// Head returns the first HeadSize bytes of the disk: protective MBR, header, entries.
func (t *Table) Head() ([]byte, error) {
	table, err := t.entries()
	if err != nil {
		return nil, err
	}
	b := append(t.protective(), t.header(table, 1, t.sectors()-1, 2)...)
	return append(b, table...), nil
}

// Tail returns the last TailSize bytes of the disk: entries and header again.
func (t *Table) Tail() ([]byte, error) {
	table, err := t.entries()
	if err != nil {
		return nil, err
	}
	last := t.sectors() - 1
	return append(bytes.Clone(table), t.header(table, last, 1, last-tableSector)...), nil
}

func (t *Table) sectors() int64 { return t.Size / SectorSize }

// check refuses what is no table.
func (t *Table) check() error {
	if t.Size%SectorSize != 0 || t.Size < HeadSize+TailSize {
		return fmt.Errorf("cannot make a partition table for a disk of %d bytes", t.Size)
	}
	if len(t.Partitions) > entries {
		return fmt.Errorf("cannot make a partition table: %d partitions, more than %d", len(t.Partitions), entries)
	}
	for i, p := range t.Partitions {
		switch {
		case p.Type == GUID{} || p.GUID == GUID{}:
			return fmt.Errorf("cannot make a partition table: partition %d (%s) has no type or no GUID", i+1, p.Name)
		case p.Start < HeadSize || p.Start%Alignment != 0 || p.Size <= 0 || p.Size%SectorSize != 0:
			return fmt.Errorf("cannot make a partition table: partition %d (%s) is not aligned: %d bytes at %d", i+1, p.Name, p.Size, p.Start)
		case p.Start+p.Size > t.Size-TailSize:
			return fmt.Errorf("cannot make a partition table: partition %d (%s) ends behind the room that there is", i+1, p.Name)
		case len(utf16.Encode([]rune(p.Name))) > maxName:
			return fmt.Errorf("cannot make a partition table: the name of partition %d (%q) is too long", i+1, p.Name)
		}
		for j, q := range t.Partitions[:i] {
			if p.GUID == q.GUID {
				return fmt.Errorf("cannot make a partition table: partitions %d and %d have the same GUID", j+1, i+1)
			}
			if p.Start < q.Start+q.Size && q.Start < p.Start+p.Size {
				return fmt.Errorf("cannot make a partition table: partitions %d (%s) and %d (%s) overlap", j+1, q.Name, i+1, p.Name)
			}
		}
	}
	return nil
}

// entries is the partition entry array (5.3.3).
func (t *Table) entries() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	b := make([]byte, tableSize)
	for i, p := range t.Partitions {
		e := b[i*entrySize:]
		copy(e, p.Type.disk())
		copy(e[16:], p.GUID.disk())
		binary.LittleEndian.PutUint64(e[32:], uint64(p.Start/SectorSize))
		binary.LittleEndian.PutUint64(e[40:], uint64((p.Start+p.Size)/SectorSize-1))
		binary.LittleEndian.PutUint64(e[48:], p.Attributes)
		for j, unit := range utf16.Encode([]rune(p.Name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], unit)
		}
	}
	return b, nil
}

// header is the GPT header (5.3.2) at sector own, the other one being at other, with its
// entries at sector at.
func (t *Table) header(table []byte, own, other, at int64) []byte {
	b := make([]byte, SectorSize)
	copy(b, "EFI PART")
	binary.LittleEndian.PutUint32(b[8:], 0x00010000) // revision
	binary.LittleEndian.PutUint32(b[12:], headerSize)
	binary.LittleEndian.PutUint64(b[24:], uint64(own))
	binary.LittleEndian.PutUint64(b[32:], uint64(other))
	binary.LittleEndian.PutUint64(b[40:], HeadSize/SectorSize)                       // first usable
	binary.LittleEndian.PutUint64(b[48:], uint64(t.sectors()-TailSize/SectorSize-1)) // last usable
	copy(b[56:], t.Disk.disk())
	binary.LittleEndian.PutUint64(b[72:], uint64(at))
	binary.LittleEndian.PutUint32(b[80:], entries)
	binary.LittleEndian.PutUint32(b[84:], entrySize)
	binary.LittleEndian.PutUint32(b[88:], crc32.ChecksumIEEE(table))
	binary.LittleEndian.PutUint32(b[16:], crc32.ChecksumIEEE(b[:headerSize]))
	return b
}

// protective is the MBR that keeps older tools away (5.2.3).
func (t *Table) protective() []byte {
	b := make([]byte, SectorSize)
	e := b[446:]
	copy(e[1:4], []byte{0x00, 0x02, 0x00}) // first cylinder, head, sector: that of sector 1
	e[4] = 0xee
	copy(e[5:8], []byte{0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(t.sectors()-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}
