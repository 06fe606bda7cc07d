package xz

import "encoding/binary"

// The branch filters (5.3.2) turned the relative targets of calls and jumps into
// absolute ones, since those repeat. The format defines each by what the encoder
// of XZ Utils does: which words it takes for a branch is part of it.

// branches is a branch filter of a processor whose instructions stand at
// multiples of step bytes.
type branches struct {
	pos     uint32 // of the next byte in the program
	step    int
	width   int // bytes that convert looks at
	convert func(b []byte, pos uint32) int
}

// decode calls convert at each place; it returns by how many bytes to go on, or
// 0 for a step.
func (f *branches) decode(b []byte) int {
	i := 0
	for i+f.width <= len(b) {
		i += max(f.convert(b[i:], f.pos+uint32(i)), f.step)
	}
	f.pos += uint32(i)
	return i
}

// arm converts BL, always executed: 24 bits of words, counted from two
// instructions on.
func arm(b []byte, pos uint32) int {
	if b[3] != 0xeb {
		return 0
	}
	v := binary.LittleEndian.Uint32(b)
	target := v<<2 - (pos + 8)
	binary.LittleEndian.PutUint32(b, v&0xff000000|target>>2&0xffffff)
	return 0
}

// armThumb converts BL, a pair of 16 bits with 11 bits of the target in each.
func armThumb(b []byte, pos uint32) int {
	high, low := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if high&0xf800 != 0xf000 || low&0xf800 != 0xf800 {
		return 0
	}
	target := (uint32(high&0x7ff)<<12 | uint32(low&0x7ff)<<1) - (pos + 4)
	binary.LittleEndian.PutUint16(b, 0xf000|uint16(target>>12&0x7ff))
	binary.LittleEndian.PutUint16(b[2:], 0xf800|uint16(target>>1&0x7ff))
	return 4
}

// arm64 converts BL, with 26 bits of words, and ADRP, with 21 bits of pages, as
// far as the distance lies within 512 MiB.
func arm64(b []byte, pos uint32) int {
	v := binary.LittleEndian.Uint32(b)
	switch {
	case v>>26 == 0x25:
		binary.LittleEndian.PutUint32(b, 0x94000000|(v-pos>>2)&0x03ffffff)
	case v&0x9f000000 == 0x90000000:
		page := v>>29&3 | v>>3&0x1ffffc
		if (page+0x20000)&0x1c0000 != 0 {
			return 0
		}
		page -= pos >> 12
		v = v&0x9000001f | page&3<<29 | page&0x3fffc<<3
		v |= -(page & 0x20000) & 0xe00000 // the sign, in the three bits left
		binary.LittleEndian.PutUint32(b, v)
	}
	return 0
}

// powerPC converts bl: 24 bits of words.
func powerPC(b []byte, pos uint32) int {
	v := binary.BigEndian.Uint32(b)
	if v&0xfc000003 == 0x48000001 {
		binary.BigEndian.PutUint32(b, 0x48000001|(v-pos)&0x03fffffc)
	}
	return 0
}

// sparc converts call to a target within 16 MiB: 22 bits of words and a sign
// that fills the bits above.
func sparc(b []byte, pos uint32) int {
	v := binary.BigEndian.Uint32(b)
	if top := v >> 22; top != 0x100 && top != 0x1ff {
		return 0
	}
	target := (v<<2 - pos) >> 2
	sign := -(target >> 22 & 1)
	binary.BigEndian.PutUint32(b, 0x40000000|sign<<22&0x3fffffff|target&0x3fffff)
	return 0
}

// ia64Slots says, for the 32 templates of a bundle, which of its three
// instructions are of the kind that branches.
var ia64Slots = [32]uint8{
	16: 4, 17: 4, 18: 6, 19: 6, 22: 7, 23: 7, 24: 4, 25: 4, 28: 4, 29: 4,
}

// ia64 converts the calls of a bundle: 5 bits of template and three instructions
// of 41, with 21 bits of bundles as the target.
func ia64(b []byte, pos uint32) int {
	slots := ia64Slots[b[0]&31]
	for slot := range 3 {
		if slots>>slot&1 == 0 {
			continue
		}
		bit := 5 + 41*slot
		var word [8]byte
		at := b[bit/8:][:6]
		copy(word[:], at)
		v := binary.LittleEndian.Uint64(word[:])
		code := v >> (bit % 8)
		if code>>37&0xf != 5 || code>>9&7 != 0 {
			continue
		}
		target := uint32(code>>13&0xfffff | code>>36&1<<20)
		target = (target<<4 - pos) >> 4
		code = code&^(0x8fffff<<13) | uint64(target&0xfffff)<<13 | uint64(target>>20&1)<<36
		v = v&(1<<(bit%8)-1) | code<<(bit%8)
		binary.LittleEndian.PutUint64(word[:], v)
		copy(at, word[:])
	}
	return 0
}
