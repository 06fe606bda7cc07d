package xz

import (
	"encoding/binary"
	"errors"
)

// lzma decodes LZMA chunks into a window that is also its dictionary.
type lzma struct {
	model
	state    uint8
	rep      [4]uint32 // the newest distances, less one
	lc       uint8
	lpMask   int
	pbMask   uint8
	literals int // tables of literals in use

	buf   []byte // always windowSlack longer than what is decoded into it
	start int    // of the dictionary in buf
	pos   int    // where the next byte goes
	size  int    // of the dictionary, in bytes
	keep  int    // how much of it can come to be, and is kept
}

// windowSlack is what a match may be copied too far.
const windowSlack = 16

// Reasons why a chunk cannot be decoded.
var (
	errDistance = errors.New("a match goes back behind the start of the dictionary")
	errLength   = errors.New("a match goes on behind the end of the chunk")
)

// After a symbol, the state says which kinds came last: below 7 the newest was
// a literal.
var (
	afterLiteral = [16]uint8{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}
	afterMatch   = [16]uint8{7, 7, 7, 7, 7, 7, 7, 10, 10, 10, 10, 10}
	afterRep     = [16]uint8{8, 8, 8, 8, 8, 8, 8, 11, 11, 11, 11, 11}
	afterShort   = [16]uint8{9, 9, 9, 9, 9, 9, 9, 11, 11, 11, 11, 11}
)

// run decodes n bytes.
func (d *lzma) run(c coder, n int) (coder, error) {
	w := d.pos
	end := w + n
	buf := d.buf[:end+windowSlack]
	state := d.state
	shift := 8 - d.lc
	for w < end {
		at := uint8(w) & d.pbMask
		var one bool
		c, one = c.normal().bit(&d.isMatch[state<<4|at])
		if !one {
			t := &d.literal[(w&d.lpMask<<d.lc+int(buf[w-1]>>(shift&15)))&15]
			var b byte
			if state < 7 {
				c, b = literal(c, t)
			} else {
				c, b = matched(c, t, buf[w-int(d.rep[0])-1])
			}
			buf[w] = b
			w++
			state = afterLiteral[state&15]
			continue
		}
		var length int
		c, state, length = d.match(c, state, at)
		if back := uint(d.rep[0]); back >= uint(w-d.start) || back >= uint(d.size) {
			return c, errDistance
		}
		dist := int(d.rep[0]) + 1
		if length > end-w {
			return c, errLength
		}
		copyMatch(buf, w, dist, length)
		w += length
	}
	d.pos, d.state = w, state
	return c, nil
}

// match decodes the distance, to rep[0], and the length of a match.
func (d *lzma) match(c coder, state, at uint8) (coder, uint8, int) {
	c, one := c.normal().bit(&d.isRep[state&15])
	if !one {
		c, n := d.matchLen.decode(c, at)
		c, dist := d.distance(c, n)
		d.rep = [4]uint32{dist, d.rep[0], d.rep[1], d.rep[2]}
		return c, afterMatch[state&15], n
	}
	c, one = c.normal().bit(&d.isRep0[state&15])
	if !one {
		c, one = c.normal().bit(&d.isLong[state<<4|at])
		if !one {
			return c, afterShort[state&15], 1
		}
		c, n := d.repLen.decode(c, at)
		return c, afterRep[state&15], n
	}
	c, one = c.normal().bit(&d.isRep1[state&15])
	if !one {
		d.rep = [4]uint32{d.rep[1], d.rep[0], d.rep[2], d.rep[3]}
	} else {
		c, one = c.normal().bit(&d.isRep2[state&15])
		if !one {
			d.rep = [4]uint32{d.rep[2], d.rep[0], d.rep[1], d.rep[3]}
		} else {
			d.rep = [4]uint32{d.rep[3], d.rep[0], d.rep[1], d.rep[2]}
		}
	}
	c, n := d.repLen.decode(c, at)
	return c, afterRep[state&15], n
}

// copyMatch copies n bytes from dist bytes back, where the two may overlap. It
// may write windowSlack bytes too many.
func copyMatch(buf []byte, w, dist, n int) {
	src := w - dist
	if dist >= 8 {
		s, t := buf[src:], buf[w:w+n+8]
		for i := 0; i < n; i += 8 {
			binary.LittleEndian.PutUint64(t[i:], binary.LittleEndian.Uint64(s[i:]))
		}
		return
	}
	if dist == 1 {
		t, b := buf[w:w+n], buf[src]
		for i := range t {
			t[i] = b
		}
		return
	}
	s, t := buf[src:], buf[w:w+n]
	for i := range t {
		t[i] = s[i]
	}
}
