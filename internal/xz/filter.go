package xz

import (
	"encoding/binary"
)

// The identifiers of filters (5.3).
const (
	idDelta    = 0x03
	idX86      = 0x04
	idPowerPC  = 0x05
	idIA64     = 0x06
	idARM      = 0x07
	idARMThumb = 0x08
	idSPARC    = 0x09
	idARM64    = 0x0a
	idLZMA2    = 0x21
)

// filter undoes in place what a filter did before compression, and returns how
// many of the bytes are done. It gets the others again, with more behind them.
type filter interface {
	decode(b []byte) int
}

// stage is a filter with the bytes that it waits with.
type stage struct {
	filter filter
	buf    []byte
	done   int // bytes of buf that were returned
}

// push returns what in makes of the content; with last, everything. What the
// filter could not judge at the end of a block was never changed. The result
// stays valid until the next call.
func (s *stage) push(in []byte, last bool) []byte {
	s.buf = append(s.buf[:copy(s.buf, s.buf[s.done:])], in...)
	s.done = s.filter.decode(s.buf)
	if last {
		s.done = len(s.buf)
	}
	return s.buf[:s.done]
}

// parseChain makes the stages of a block, and returns the size of its
// dictionary in bytes. LZMA2 stands last and nowhere else.
func parseChain(list []filterFlags) ([]stage, int64, error) {
	last := list[len(list)-1]
	if last.id != idLZMA2 {
		return nil, 0, unsupported("its last filter is %#x, not LZMA2", last.id)
	}
	dictionary, err := parseLZMA2(last.props)
	if err != nil {
		return nil, 0, err
	}
	var stages []stage
	for i := len(list) - 2; i >= 0; i-- {
		f, err := parseFilter(list[i])
		if err != nil {
			return nil, 0, err
		}
		stages = append(stages, stage{filter: f})
	}
	return stages, dictionary, nil
}

// parseLZMA2 returns the size of the dictionary: 2^n or 2^n + 2^(n-1) bytes
// (5.3.1).
func parseLZMA2(props []byte) (int64, error) {
	if len(props) != 1 || props[0] > 40 {
		return 0, unsupported("its filter LZMA2 has the properties %#x", props)
	}
	if props[0] == 40 {
		return 1<<32 - 1, nil
	}
	return (2 | int64(props[0]&1)) << (props[0]/2 + 11), nil
}

func parseFilter(f filterFlags) (filter, error) {
	switch f.id {
	case idLZMA2:
		return nil, unsupported("its filter LZMA2 is not the last one")
	case idDelta:
		if len(f.props) != 1 {
			return nil, unsupported("its filter delta has the properties %#x", f.props)
		}
		return &delta{distance: int(f.props[0]) + 1}, nil
	}
	return parseBranches(f)
}

// parseBranches makes a branch filter. Its property is where the content stands
// in the program, by default at 0 (5.3.2).
func parseBranches(f filterFlags) (filter, error) {
	start := uint32(0)
	switch len(f.props) {
	case 0:
	case 4:
		start = binary.LittleEndian.Uint32(f.props)
	default:
		return nil, unsupported("its filter %#x has the properties %#x", f.id, f.props)
	}
	b := &branches{pos: start, width: 4}
	switch f.id {
	case idX86:
		return newX86(start), nil
	case idPowerPC:
		b.step, b.convert = 4, powerPC
	case idIA64:
		b.step, b.width, b.convert = 16, 16, ia64
	case idARM:
		b.step, b.convert = 4, arm
	case idARMThumb:
		b.step, b.convert = 2, armThumb
	case idSPARC:
		b.step, b.convert = 4, sparc
	case idARM64:
		b.step, b.convert = 4, arm64
	default:
		return nil, unsupported("its filter %#x is unknown", f.id)
	}
	if start%uint32(b.step) != 0 {
		return nil, unsupported("its filter %#x starts at %d, not at a multiple of %d", f.id, start, b.step)
	}
	return b, nil
}

// delta adds to each byte the one that stands distance bytes before it (5.3.3).
type delta struct {
	distance int
	past     [256]byte // the newest bytes, in a ring
	pos      uint8
}

func (d *delta) decode(b []byte) int {
	for i := range b {
		b[i] += d.past[uint8(int(d.pos)-d.distance)]
		d.past[d.pos] = b[i]
		d.pos++
	}
	return len(b)
}
