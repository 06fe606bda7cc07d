package xz

import "io"

// lzma2 decodes the chunks of a block (5.3.1).
type lzma2 struct {
	lzma
	needReset bool // the dictionary was not begun yet
	needProps bool // no chunk said how LZMA is set since then
}

// chunkMax is the most content that a chunk can have, in bytes.
const chunkMax = 2 << 20

// begin prepares for a block with a dictionary of so many bytes, and so much
// content if that is known.
func (d *lzma2) begin(dictionary int, content uint64) {
	d.size = dictionary
	d.keep = int(min(uint64(dictionary), content)+15) &^ 15
	d.needReset, d.needProps = true, true
}

// next returns the content of the next chunk, which takes left bytes of src at
// most, or io.EOF behind the last. It stays valid until the next call.
func (d *lzma2) next(src *source, left uint64) ([]byte, error) {
	control, err := d.take(src, 1, &left)
	if err != nil {
		return nil, err
	}
	switch c := control[0]; {
	case c == 0:
		return nil, io.EOF
	case c > 2 && c < 0x80:
		return nil, corrupt("a chunk begins with the reserved byte %#02x", c)
	case c == 1 || c >= 0xe0:
		d.restart()
		d.needReset, d.needProps = false, true
	case d.needReset:
		return nil, corrupt("the first chunk does not begin the dictionary")
	}
	if c := control[0]; c < 0x80 {
		return d.plain(src, &left)
	}
	return d.packed(src, control[0], &left)
}

// take returns n bytes of the block's data.
func (d *lzma2) take(src *source, n int, left *uint64) ([]byte, error) {
	if uint64(n) > *left {
		return nil, corrupt("its data goes on behind the size that its header says")
	}
	*left -= uint64(n)
	b, err := src.take(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// plain copies a chunk that is not compressed.
func (d *lzma2) plain(src *source, left *uint64) ([]byte, error) {
	head, err := d.take(src, 2, left)
	if err != nil {
		return nil, err
	}
	n := int(head[0])<<8 + int(head[1]) + 1
	b, err := d.take(src, n, left)
	if err != nil {
		return nil, err
	}
	d.room(n)
	out := d.buf[d.pos : d.pos+n]
	copy(out, b)
	d.pos += n
	return out, nil
}

// packed decodes a chunk of LZMA. Its bits 5 and 6 say what begins anew.
func (d *lzma2) packed(src *source, control byte, left *uint64) ([]byte, error) {
	head, err := d.take(src, 4, left)
	if err != nil {
		return nil, err
	}
	size := int(control&0x1f)<<16 + int(head[0])<<8 + int(head[1]) + 1
	n := int(head[2])<<8 + int(head[3]) + 1
	switch {
	case control >= 0xc0:
		b, err := d.take(src, 1, left)
		if err != nil {
			return nil, err
		}
		if err := d.configure(b[0]); err != nil {
			return nil, err
		}
		d.needProps = false
	case d.needProps:
		return nil, corrupt("a chunk does not say how it is compressed")
	case control >= 0xa0:
		d.resetState()
	}
	b, err := d.take(src, n, left)
	if err != nil {
		return nil, err
	}
	d.room(size)
	begin := d.pos
	if err := d.chunk(&src.buf, src.pos-n, b, size); err != nil {
		return nil, err
	}
	return d.buf[begin:d.pos], nil
}

// chunk decodes b, which stands in the input at so many bytes, to n bytes.
func (d *lzma2) chunk(in *input, at int, b []byte, n int) error {
	if len(b) < 5 || b[0] != 0 {
		return corrupt("a chunk's LZMA data begins wrongly")
	}
	c := coder{in: in, pos: at + 5, rng: 1<<32 - 1}
	for _, next := range b[1:5] {
		c.code = c.code<<8 | uint64(next)
	}
	if c.code >= c.rng { // no encoder can say it; the coder relies on it
		return corrupt("a chunk's LZMA data begins wrongly")
	}
	c, err := d.run(c, n)
	c = c.normal()
	switch end := at + len(b); {
	case c.pos > end:
		return corrupt("a chunk has fewer bytes than its content needs")
	case err != nil:
		return corrupt("%w", err)
	case c.pos < end || c.code != 0:
		return corrupt("a chunk has more bytes than its content needs")
	}
	return nil
}

// configure takes the properties of LZMA: how many bits of the byte before (lc)
// and of the position (lp, pb) choose the probabilities. LZMA2 allows lc + lp up
// to 4.
func (d *lzma2) configure(props byte) error {
	lc, lp, pb := props%9, props/9%5, props/45
	if pb > 4 || lc+lp > 4 {
		return corrupt("a chunk has the LZMA properties %#02x", props)
	}
	d.lc, d.lpMask, d.pbMask = lc, 1<<lp-1, 1<<pb-1
	d.literals = 1 << (lc + lp)
	d.resetState()
	return nil
}

func (d *lzma2) resetState() {
	d.model.reset(d.literals)
	d.state, d.rep = 0, [4]uint32{}
}
