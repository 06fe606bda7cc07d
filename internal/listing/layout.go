package listing

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"kiln"
)

// Format is the version of the form; it is part of the first line, and belongs
// into the key under which a listing is kept.
const Format = 1

// A listing is the first line, the header and then its columns and texts one after
// the other, in the order of List. Numbers of the header and of columns are
// little-endian, those of a column have 32 bits; all others are unsigned varints.
var firstLine = fmt.Appendf(nil, "kiln listing %d\n", Format)

// header says how long the parts are, in what they count, and what text it was.
type header struct {
	names, nameBytes      uint32
	values, valueBytes    uint32
	essential, archs      uint32
	packages, recordBytes uint32
	text                  Text
}

// headerSize is that of eight numbers, the text's size and its digest, in bytes.
const headerSize = 8*4 + 8 + 32

func (h *header) counts() []*uint32 {
	return []*uint32{&h.names, &h.nameBytes, &h.values, &h.valueBytes, &h.essential, &h.archs, &h.packages, &h.recordBytes}
}

func (h *header) append(b []byte) []byte {
	for _, n := range h.counts() {
		b = binary.LittleEndian.AppendUint32(b, *n)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(h.text.Size))
	var sum [32]byte
	if h.text.Digest != "" {
		if n, err := hex.Decode(sum[:], []byte(h.text.Digest.Hex())); err != nil || n != len(sum) {
			panic("bug: not a digest: " + string(h.text.Digest))
		}
	}
	return append(b, sum[:]...)
}

func (h *header) read(b []byte) {
	for i, n := range h.counts() {
		*n = binary.LittleEndian.Uint32(b[4*i:])
	}
	b = b[4*len(h.counts()):]
	h.text.Size = int64(binary.LittleEndian.Uint64(b))
	if sum := b[8:40]; !bytes.Equal(sum, make([]byte, 32)) {
		h.text.Digest = kiln.Digest("sha256:" + hex.EncodeToString(sum))
	}
}

// column is a row of numbers.
type column []byte

func (c column) len() int        { return len(c) / 4 }
func (c column) at(i int) uint32 { return binary.LittleEndian.Uint32(c[4*i:]) }

func (c column) append(n uint32) column { return binary.LittleEndian.AppendUint32(c, n) }

// piece is one of the texts that stand one after the other.
func piece(texts []byte, ends column, n uint32) []byte {
	start := uint32(0)
	if n > 0 {
		start = ends.at(int(n) - 1)
	}
	return texts[start:ends.at(int(n))]
}

// parts are all columns and what they point into, with how many bytes the header says each has.
func (l *List) parts() []part {
	h := &l.head
	four := func(n uint32) int64 { return 4 * int64(n) }
	return []part{
		{(*[]byte)(&l.nameEnds), four(h.names)}, {&l.names, int64(h.nameBytes)},
		{(*[]byte)(&l.valueEnds), four(h.values)}, {&l.values, int64(h.valueBytes)},
		{(*[]byte)(&l.essential), four(h.essential)}, {(*[]byte)(&l.archs), four(h.archs)},
		{(*[]byte)(&l.recordEnds), four(h.packages)}, {&l.records, int64(h.recordBytes)},
	}
}

type part struct {
	at   *[]byte
	size int64 // in bytes
}

// Open opens what Build made. The listing keeps b, which must not change.
func Open(b []byte) (*List, error) {
	l := &List{}
	if err := l.cut(b); err != nil {
		return nil, fmt.Errorf("cannot open the listing: %w", err)
	}
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("cannot open the listing: it is damaged: %w", err)
	}
	return l, nil
}

// cut finds the parts.
func (l *List) cut(b []byte) error {
	rest, ok := bytes.CutPrefix(b, firstLine)
	if !ok {
		return fmt.Errorf("it does not begin with %q", firstLine)
	}
	if len(rest) < headerSize {
		return errors.New("it is cut off")
	}
	l.head.read(rest)
	rest = rest[headerSize:]
	for _, p := range l.parts() {
		if int64(len(rest)) < p.size {
			return errors.New("it is cut off")
		}
		*p.at, rest = rest[:p.size:p.size], rest[p.size:]
	}
	if len(rest) > 0 {
		return errors.New("there is more than its header says")
	}
	return nil
}
