package listing

// reader reads numbers, which have up to 63 bits. After the first error all of
// them are zero.
type reader struct {
	b   []byte
	at  int // in b
	bad bool
}

func (r *reader) num() uint64 {
	b, at, n := r.b, r.at, uint64(0)
	for shift := 0; at < len(b) && shift < 63; shift += 7 {
		c := b[at]
		at++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			r.at = at
			return n
		}
	}
	r.fail()
	return 0
}

// below reads a number that must be smaller than limit.
func (r *reader) below(limit int) uint32 {
	n := r.num()
	if n >= uint64(limit) {
		r.fail()
		return 0
	}
	return uint32(n)
}

// count reads the length of a list, each element of which takes a byte or more.
func (r *reader) count() int {
	n := r.num()
	if n > uint64(len(r.b)-r.at) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) take(n int) []byte {
	if n > len(r.b)-r.at {
		r.fail()
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// ended reports whether all was read, without an error.
func (r *reader) ended() bool { return !r.bad && r.at == len(r.b) }

func (r *reader) fail() { r.at, r.bad = len(r.b), true }
