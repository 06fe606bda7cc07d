package xz

// windowStart leaves room for the zero that counts as the byte before the first.
// It and every move are multiples of 16, so that a place in the window is also a
// position in the content, as far as LZMA asks (its lowest four bits).
const windowStart = 16

const (
	windowFirst = 64 << 10 // bytes of the window before it grows
	windowAhead = 8 << 20  // what it has beside the dictionary, at most
)

// restart begins the dictionary anew: what came before cannot be referred to.
func (d *lzma) restart() {
	d.start, d.pos = windowStart, windowStart
	if len(d.buf) > 0 {
		d.buf[windowStart-1] = 0
	}
}

// room makes room for n bytes of content, a chunk at most. Since moving the
// dictionary to the front costs time, the window is longer than needed.
func (d *lzma) room(n int) {
	need := d.pos + n + windowSlack
	if need <= len(d.buf) {
		return
	}
	full := windowStart + d.keep + max(chunkMax, min(d.keep, windowAhead)) + 16 + windowSlack
	if len(d.buf) < full {
		grown := make([]byte, min(full, max(need, 4*len(d.buf), windowFirst)))
		copy(grown, d.buf[:min(d.pos, len(d.buf))])
		d.buf = grown
	}
	if need > len(d.buf) {
		from := (d.pos - d.keep) &^ 15
		copy(d.buf, d.buf[from:d.pos])
		d.pos -= from
		d.start = max(d.start-from, 0)
	}
}
