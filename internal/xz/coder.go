package xz

// Probabilities are of 11 bits and adapt by 1/32 of what is missing.
const (
	probBits  = 11
	probOne   = 1 << probBits
	probStart = probOne / 2
	probShift = 5
	rangeMin  = 1 << 24 // below it, a byte is shifted in
)

// A chunk's compressed bytes stand in an array of a power of two, so that a
// position masked by its size needs no other check. What a damaged chunk reads
// behind its end is noise, and found by the position at the end.
const (
	inputSize = 1 << 17
	inputMask = inputSize - 1
)

type input [inputSize]byte

// coder is the state of a range decoder. It is passed by value: four words stay
// in registers. The value code is below rng at all times.
type coder struct {
	in   *input
	pos  int
	rng  uint64
	code uint64
}

// normal shifts a byte in where rng has become short.
func (c coder) normal() coder {
	if c.rng < rangeMin {
		c.rng <<= 8
		c.code = c.code<<8 | uint64(c.in[c.pos&inputMask])
		c.pos++
	}
	return c
}

// bit decodes a bit by a branch, which is fast where the processor can foresee it.
func (c coder) bit(p *uint16) (coder, bool) {
	v := uint64(*p)
	bound := c.rng >> probBits * v
	if c.code < bound {
		c.rng = bound
		*p = uint16(v + (probOne-v)>>probShift)
		return c, false
	}
	c.rng -= bound
	c.code -= bound
	*p = uint16(v - v>>probShift)
	return c, true
}

// step decodes a bit without a branch, for bits that cannot be foreseen, and
// returns 0 for a one and all ones for a zero.
func (c coder) step(p *uint16) (coder, uint64) {
	v := uint64(*p)
	bound := c.rng >> probBits * v
	rest := c.code - bound
	zero := uint64(int64(rest) >> 63)
	c.code = rest + bound&zero
	c.rng -= bound
	c.rng += (bound - c.rng) & zero
	*p = uint16(v - uint64(int64(v-zero&(probOne-31))>>probShift))
	return c, zero
}
