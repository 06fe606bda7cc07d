package xz

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// unknownSize is a size that a block header does not give.
const unknownSize = maxVLI

// blockHeader is what stands before a block's data (3.1).
type blockHeader struct {
	length  int    // of the header itself, in bytes
	packed  uint64 // of the compressed data, or unknownSize
	size    uint64 // of the content, or unknownSize
	filters []filterFlags
}

// filterFlags is a filter as the header names it (3.1.5).
type filterFlags struct {
	id    uint64
	props []byte
}

func readBlockHeader(src *source) (blockHeader, error) {
	first, err := src.peek()
	if err != nil {
		return blockHeader{}, err
	}
	b, err := src.take((int(first) + 1) * 4)
	if err != nil {
		return blockHeader{}, err
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return blockHeader{}, corrupt("the CRC32 of its header is wrong")
	}
	return parseBlockHeader(body)
}

// parseBlockHeader reads the header less its CRC32.
func parseBlockHeader(b []byte) (blockHeader, error) {
	h := blockHeader{length: len(b) + 4, packed: unknownSize, size: unknownSize}
	flags, b := b[1], b[2:]
	if flags&0x3c != 0 {
		return h, unsupported("its header has the flags %#02x", flags)
	}
	var err error
	if flags&0x40 != 0 {
		if h.packed, b, err = headerVLI(b); err != nil {
			return h, err
		}
		if h.packed == 0 || h.packed > maxUnpadded-uint64(h.length)-64 {
			return h, corrupt("its header says that it has %d compressed bytes", h.packed)
		}
	}
	if flags&0x80 != 0 {
		if h.size, b, err = headerVLI(b); err != nil {
			return h, err
		}
	}
	for range flags&3 + 1 {
		var f filterFlags
		if f, b, err = parseFilterFlags(b); err != nil {
			return h, err
		}
		h.filters = append(h.filters, f)
	}
	if !isZero(b) {
		return h, unsupported("its header has more fields than are known")
	}
	return h, nil
}

func headerVLI(b []byte) (uint64, []byte, error) {
	n, rest, ok, err := vli(b)
	if err == nil && !ok {
		err = corrupt("its header ends within a field")
	}
	return n, rest, err
}

func parseFilterFlags(b []byte) (filterFlags, []byte, error) {
	id, b, err := headerVLI(b)
	if err != nil {
		return filterFlags{}, nil, err
	}
	n, b, err := headerVLI(b)
	if err != nil {
		return filterFlags{}, nil, err
	}
	switch {
	case id >= 1<<62:
		return filterFlags{}, nil, corrupt("its header has the filter %#x, which is reserved", id)
	case n > uint64(len(b)):
		return filterFlags{}, nil, corrupt("its header ends within a filter")
	}
	// A copy: the header's bytes are gone once more input is needed.
	return filterFlags{id: id, props: append([]byte(nil), b[:n]...)}, b[n:], nil
}

// decoder holds what one block after the other decodes with.
type decoder struct {
	src    source
	limits Limits
	lzma2  lzma2
}

// decoders keeps the memory of decoders that are done, since a new window costs
// a few percent of the time that a package takes. What is left in it does not
// reach the next file: every block begins its dictionary anew.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

func newDecoder(r io.Reader, limits Limits) *decoder {
	d := decoders.Get().(*decoder)
	d.src.reset(r)
	d.limits = limits
	return d
}

// free ends the use of d and of what it returned.
func (d *decoder) free() {
	d.src.r = nil
	decoders.Put(d)
}

// block is a block under decoding.
type block struct {
	src    *source
	header blockHeader
	data   *lzma2
	stages []stage // in the order in which they decode
	check  check
	begin  int64 // where the compressed data begins in src
	packed uint64
	size   uint64 // of the content so far
	ended  bool
}

// begin reads a block's header.
func (d *decoder) begin(f flags) (*block, error) {
	h, err := readBlockHeader(&d.src)
	if err != nil {
		return nil, truncated(err, "in its header")
	}
	stages, dictionary, err := parseChain(h.filters)
	if err != nil {
		return nil, err
	}
	if dictionary > d.limits.Dictionary {
		return nil, fmt.Errorf("%w: its dictionary has %d bytes, the limit is %d", ErrMemory, dictionary, d.limits.Dictionary)
	}
	d.lzma2.begin(int(dictionary), h.size)
	b := &block{src: &d.src, header: h, data: &d.lzma2, stages: stages, check: newCheck(f.check)}
	b.begin = b.src.offset()
	return b, nil
}

// next returns the next piece of the content, which may be empty and stays
// valid until the next call; io.EOF where all of the block was found right.
func (b *block) next() ([]byte, error) {
	if b.ended {
		if err := b.end(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	left := uint64(maxVLI)
	if b.header.packed != unknownSize {
		left = b.header.packed - uint64(b.src.offset()-b.begin)
	}
	out, err := b.data.next(b.src, left)
	b.ended = err == io.EOF
	if err != nil && !b.ended {
		return nil, truncated(err, "in its data")
	}
	for i := range b.stages {
		out = b.stages[i].push(out, b.ended)
	}
	b.size += uint64(len(out))
	if b.size > b.header.size {
		return nil, corrupt("it has more content than the %d bytes that its header says", b.header.size)
	}
	b.check.write(out)
	return out, nil
}

// end compares the sizes and reads padding and check (3.3, 3.4).
func (b *block) end() error {
	b.packed = uint64(b.src.offset() - b.begin)
	if h := b.header; h.packed != unknownSize && h.packed != b.packed {
		return corrupt("it has %d compressed bytes, its header says %d", b.packed, h.packed)
	}
	if h := b.header; h.size != unknownSize && h.size != b.size {
		return corrupt("it has %d bytes of content, its header says %d", b.size, h.size)
	}
	zeros, err := b.src.take(pad(int64(b.header.length) + int64(b.packed)))
	if err != nil {
		return truncated(err, "in its padding")
	}
	if !isZero(zeros) {
		return corrupt("it is not padded with zeros")
	}
	sum, err := b.src.take(b.check.size())
	if err != nil {
		return truncated(err, "in its check")
	}
	return b.check.verify(sum)
}

// record returns what the index must say of a block that was read to its end.
func (b *block) record() record {
	return record{unpadded: uint64(b.header.length) + b.packed + uint64(b.check.size()), size: b.size}
}
