package xz

// model holds the probabilities of an LZMA decoder. Tables are padded to powers
// of two, so that an index needs no check beyond its type or a mask.
type model struct {
	isMatch  [256]uint16 // by state and position
	isLong   [256]uint16 // by state and position: not a match of one byte at the newest distance
	isRep    [16]uint16  // by state, as the next three
	isRep0   [16]uint16
	isRep1   [16]uint16
	isRep2   [16]uint16
	slot     [4][64]uint16 // the upper bits of a distance, by length
	middle   [128]uint16   // the lower bits of short distances, by slot and bits so far
	align    [16]uint16    // the lowest four bits of long distances
	matchLen lengths
	repLen   lengths
	literal  [16][0x300]uint16
}

// lengths holds the probabilities of match lengths.
type lengths struct {
	choice [2]uint16
	low    [16][8]uint16 // by position
	mid    [16][8]uint16
	high   [256]uint16
}

// reset gives all probabilities their start, of literals only those that lc and
// lp leave in use.
func (m *model) reset(literals int) {
	start(m.isMatch[:])
	start(m.isLong[:])
	for _, t := range []*[16]uint16{&m.isRep, &m.isRep0, &m.isRep1, &m.isRep2, &m.align} {
		start(t[:])
	}
	for i := range m.slot {
		start(m.slot[i][:])
	}
	start(m.middle[:])
	m.matchLen.reset()
	m.repLen.reset()
	for i := range m.literal[:literals] {
		start(m.literal[i][:])
	}
}

func (l *lengths) reset() {
	start(l.choice[:])
	for i := range l.low {
		start(l.low[i][:])
		start(l.mid[i][:])
	}
	start(l.high[:])
}

func start(p []uint16) {
	for i := range p {
		p[i] = probStart
	}
}

// literal decodes a byte after a literal.
func literal(c coder, t *[0x300]uint16) (coder, byte) {
	p := (*[256]uint16)(t[:])
	s := uint64(1)
	var z uint64
	c, z = c.normal().step(&p[1])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[uint8(s)])
	s = s*2 + 1 + z
	return c, byte(s)
}

// matched decodes a byte after a match: the byte that would have continued the
// match chooses the probabilities for as long as the bits agree with it.
func matched(c coder, t *[0x300]uint16, guess byte) (coder, byte) {
	var z uint64
	m, agree, s := uint64(guess), uint64(0x100), uint64(1)
	for s < 0x100 {
		m <<= 1
		b := m & agree
		c, z = c.normal().step(&t[agree+b+s])
		agree &= b ^ z
		s = s*2 + 1 + z
	}
	return c, byte(s)
}

// decode returns a length, 2 to 273.
func (l *lengths) decode(c coder, at uint8) (coder, int) {
	c, long := c.normal().bit(&l.choice[0])
	if !long {
		c, s := tree3(c, &l.low[at&15])
		return c, 2 + s
	}
	c, long = c.normal().bit(&l.choice[1])
	if !long {
		c, s := tree3(c, &l.mid[at&15])
		return c, 10 + s
	}
	s := 1
	for s < 0x100 {
		var one bool
		c, one = c.normal().bit(&l.high[uint8(s)])
		s *= 2
		if one {
			s++
		}
	}
	return c, 18 + s - 0x100
}

// tree3 takes branches: most matches are as long as those before them.
func tree3(c coder, p *[8]uint16) (coder, int) {
	var one bool
	s := 1
	for s < 8 {
		c, one = c.normal().bit(&p[s&7])
		s *= 2
		if one {
			s++
		}
	}
	return c, s & 7
}

// distance decodes a distance less one, for a match of n bytes.
func (m *model) distance(c coder, n int) (coder, uint32) {
	c, slot := tree6(c, &m.slot[min(n-2, 3)&3])
	if slot < 4 {
		return c, slot
	}
	bits := slot>>1 - 1
	dist := (2 | slot&1) << bits
	var z uint64
	if slot < 14 {
		base := dist - slot
		s := uint64(1)
		for i := range bits {
			c, z = c.normal().step(&m.middle[(base+uint32(s))&127])
			s = s*2 + 1 + z
			dist += uint32(1+z) << i
		}
		return c, dist
	}
	c, direct := c.direct(bits - 4)
	dist += direct << 4
	s := uint64(1)
	for i := range 4 {
		c, z = c.normal().step(&m.align[s&15])
		s = s*2 + 1 + z
		dist += uint32(1+z) << i
	}
	return c, dist
}

func tree6(c coder, p *[64]uint16) (coder, uint32) {
	var z uint64
	c, z = c.normal().step(&p[1])
	s := 3 + z
	c, z = c.normal().step(&p[s&63])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[s&63])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[s&63])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[s&63])
	s = s*2 + 1 + z
	c, z = c.normal().step(&p[s&63])
	s = s*2 + 1 + z
	return c, uint32(s & 63)
}

// direct decodes bits of which both values are equally likely.
func (c coder) direct(n uint32) (coder, uint32) {
	v := uint32(0)
	for range n {
		c = c.normal()
		c.rng >>= 1
		rest := c.code - c.rng
		zero := uint64(int64(rest) >> 63)
		c.code = rest + c.rng&zero
		v = v*2 + 1 + uint32(zero)
	}
	return c, v
}
