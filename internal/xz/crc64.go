package xz

import (
	"encoding/binary"
	"sync"
)

// crc64Poly is the polynomial of ECMA-182, lowest bit first (3.4 and 6).
const crc64Poly = 0xc96c5795d7870f42

// crc64Lane is a multiple of eight bytes. Two of them are summed side by side:
// each step of a CRC waits for the one before, and a processor has time for two.
const crc64Lane = 2048

// crc64Tables are for eight bytes at a time: row i is for a byte with i more
// behind it, row 8+i of crc64Skip for passing over a lane.
type crc64Tables struct {
	byte [8][256]uint64
	skip [8][256]uint64
}

var crc64Once = sync.OnceValue(func() *crc64Tables {
	t := new(crc64Tables)
	for i := range t.byte[0] {
		v := uint64(i)
		for range 8 {
			v = v>>1 ^ crc64Poly&-(v&1)
		}
		t.byte[0][i] = v
	}
	for row := 1; row < 8; row++ {
		for i, v := range t.byte[row-1] {
			t.byte[row][i] = t.byte[0][byte(v)] ^ v>>8
		}
	}
	// What the lane's zeros make of a sum is linear in its bits.
	for bit := range 64 {
		v := uint64(1) << bit
		for range crc64Lane / 8 {
			v = t.eight(v)
		}
		row, one := &t.skip[bit/8], 1<<(bit%8)
		for i := range row {
			if i&one != 0 {
				row[i] ^= v
			}
		}
	}
	return t
})

// eight takes eight bytes into a sum; they stand in v, xored with the sum so far.
func (t *crc64Tables) eight(v uint64) uint64 {
	return t.byte[7][byte(v)] ^ t.byte[6][byte(v>>8)] ^ t.byte[5][byte(v>>16)] ^ t.byte[4][byte(v>>24)] ^
		t.byte[3][byte(v>>32)] ^ t.byte[2][byte(v>>40)] ^ t.byte[1][byte(v>>48)] ^ t.byte[0][v>>56]
}

func (t *crc64Tables) pass(v uint64) uint64 {
	return t.skip[0][byte(v)] ^ t.skip[1][byte(v>>8)] ^ t.skip[2][byte(v>>16)] ^ t.skip[3][byte(v>>24)] ^
		t.skip[4][byte(v>>32)] ^ t.skip[5][byte(v>>40)] ^ t.skip[6][byte(v>>48)] ^ t.skip[7][v>>56]
}

// crc64Hash is a hash.Hash of twice the speed of hash/crc64.
type crc64Hash struct{ sum uint64 }

func (c *crc64Hash) Write(b []byte) (int, error) {
	t := crc64Once()
	n, v := len(b), ^c.sum
	for len(b) >= 2*crc64Lane {
		first, second := b[:crc64Lane], b[crc64Lane:2*crc64Lane]
		w := uint64(0)
		for i := 0; i+8 <= crc64Lane; i += 8 {
			v = t.eight(v ^ binary.LittleEndian.Uint64(first[i:]))
			w = t.eight(w ^ binary.LittleEndian.Uint64(second[i:]))
		}
		v = t.pass(v) ^ w
		b = b[2*crc64Lane:]
	}
	for ; len(b) >= 8; b = b[8:] {
		v = t.eight(v ^ binary.LittleEndian.Uint64(b))
	}
	for _, next := range b {
		v = t.byte[0][byte(v)^next] ^ v>>8
	}
	c.sum = ^v
	return n, nil
}

func (c *crc64Hash) Sum(b []byte) []byte { return binary.BigEndian.AppendUint64(b, c.sum) }
func (c *crc64Hash) Reset()              { c.sum = 0 }
func (c *crc64Hash) Size() int           { return 8 }
func (c *crc64Hash) BlockSize() int      { return 8 }
