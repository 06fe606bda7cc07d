package sparse

import "bytes"

// chunk is what a Buffer keeps at a time, in bytes.
const chunk = 64 << 10

// Buffer keeps in memory what is written to it from front to back, but for long runs of zeros.
type Buffer struct {
	size    int64
	open    []byte // the chunk that is being filled
	extents []Extent
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if b.open == nil {
			b.open = make([]byte, 0, chunk)
		}
		n := min(len(rest), chunk-len(b.open))
		b.open = append(b.open, rest[:n]...)
		if rest = rest[n:]; len(b.open) == chunk {
			b.flush()
		}
	}
	return len(p), nil
}

func (b *Buffer) flush() {
	if Zero(b.open) {
		b.size += int64(len(b.open))
		b.open = b.open[:0]
		return
	}
	b.extents = append(b.extents, Extent{Offset: b.size, Size: int64(len(b.open)), Data: bytes.NewReader(b.open)})
	b.size += int64(len(b.open))
	b.open = nil
}

// Extents returns what was written, as it is to lie at an offset.
func (b *Buffer) Extents(at int64) []Extent {
	b.flush()
	out := make([]Extent, len(b.extents))
	for i, e := range b.extents {
		e.Offset += at
		out[i] = e
	}
	return out
}
