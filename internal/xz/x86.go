package xz

import "encoding/binary"

// x86 converts the 32-bit targets of CALL and JMP (E8, E9). Instructions have no
// alignment, so the filter guesses: the top byte of a target is 00 or FF, and a
// byte E8 or E9 shortly before, which could have been the real instruction,
// forbids some conversions. The rules are those of the encoder in XZ Utils.
type x86 struct {
	pos  uint32 // of the next byte in the program
	last uint32 // position of the newest E8 or E9
	// One bit for each of the four bytes before pos, the newest lowest: E8 or E9
	// that was not converted. Four bits higher: its fifth byte was 00 or FF.
	seen uint32
}

func newX86(start uint32) *x86 { return &x86{pos: start, last: start - 5} }

const x86Width = 5 // bytes of an instruction

func (f *x86) decode(b []byte) int {
	if len(b) < x86Width {
		return 0
	}
	if f.pos-f.last > x86Width {
		f.last = f.pos - x86Width
	}
	i := 0
	for i <= len(b)-x86Width {
		if b[i]&0xfe != 0xe8 {
			i++
			continue
		}
		f.pass(f.pos + uint32(i))
		if !isSign(b[i+4]) || !f.allows() {
			f.seen |= 1
			if isSign(b[i+4]) {
				f.seen |= 0x10
			}
			i++
			continue
		}
		target := f.target(binary.LittleEndian.Uint32(b[i+1:]), f.pos+uint32(i)+x86Width)
		target &= 0x1ffffff
		target |= -(target & 0x1000000) // the top byte is a sign
		binary.LittleEndian.PutUint32(b[i+1:], target)
		f.seen = 0
		i += x86Width
	}
	f.pos += uint32(i)
	return i
}

// pass moves on to an E8 or E9 at pos.
func (f *x86) pass(pos uint32) {
	distance := pos - f.last
	f.last = pos
	if distance > x86Width {
		f.seen = 0
		return
	}
	for range distance {
		f.seen = f.seen & 0x77 << 1
	}
}

// allows reports whether what was seen before leaves a conversion: at most one
// E8 or E9 within three bytes, and none whose fifth byte is a sign further back.
func (f *x86) allows() bool {
	if f.seen>>1 >= 0x10 {
		return false
	}
	switch f.seen >> 1 & 7 {
	case 0, 1, 2, 4:
		return true
	}
	return false
}

// target undoes the conversion of an address, for an instruction that ends at
// end. Where a byte of the result would look like the top byte of an earlier
// instruction, the encoder went on converting, and so does this.
func (f *x86) target(v, end uint32) uint32 {
	for {
		v -= end
		if f.seen == 0 {
			return v
		}
		shift := x86Shift(f.seen >> 1)
		if !isSign(byte(v >> (24 - shift))) {
			return v
		}
		v ^= 1<<(32-shift) - 1
	}
}

// x86Shift returns how many bits the earlier instruction's top byte lies below
// that of the newest.
func x86Shift(seen uint32) uint32 {
	switch {
	case seen >= 4:
		return 24
	case seen >= 2:
		return 16
	case seen == 1:
		return 8
	}
	return 0
}

func isSign(b byte) bool { return b == 0 || b == 0xff }
