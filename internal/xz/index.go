package xz

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
)

// record is what the index says of a block (4.3).
type record struct {
	unpadded uint64 // bytes of header, compressed data and check
	size     uint64 // bytes of the content
}

// maxUnpadded leaves a padded block below 2^63.
const maxUnpadded = maxVLI &^ 3

func (r record) check() error {
	if r.unpadded < 5 || r.unpadded > maxUnpadded {
		return corrupt("the index has a block of %d bytes", r.unpadded)
	}
	return nil
}

// records stands for a list of records. It compares two lists, however long, in
// little memory.
type records struct {
	n      uint64
	packed uint64 // the sum of the padded blocks
	size   uint64
	hash   hash.Hash
}

func newRecords() records { return records{hash: sha256.New()} }

func (l *records) add(r record) {
	l.n++
	l.packed += r.unpadded + uint64(pad(int64(r.unpadded)))
	l.size += r.size
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], r.unpadded)
	binary.LittleEndian.PutUint64(b[8:], r.size)
	l.hash.Write(b[:])
}

// overflows reports whether the sums no longer fit the format's numbers.
func (l *records) overflows() bool { return l.packed > maxVLI || l.size > maxVLI }

func (l *records) equal(m records) bool {
	return l.n == m.n && string(l.hash.Sum(nil)) == string(m.hash.Sum(nil))
}

// indexReader reads an index (4) from a source: its CRC32 and size grow with it.
type indexReader struct {
	src  *source
	crc  uint32
	size int64
}

func (r *indexReader) take(n int) ([]byte, error) {
	b, err := r.src.take(n)
	if err == nil {
		r.crc = crc32.Update(r.crc, crc32.IEEETable, b)
		r.size += int64(n)
	}
	return b, err
}

func (r *indexReader) vli() (uint64, error) {
	var b [9]byte
	for i := range b {
		next, err := r.take(1)
		if err != nil {
			return 0, err
		}
		b[i] = next[0]
		if n, _, ok, err := vli(b[:i+1]); ok || err != nil {
			return n, err
		}
	}
	return 0, corrupt("a number is longer than 63 bits")
}

func (r *indexReader) record() (record, error) {
	unpadded, err := r.vli()
	if err != nil {
		return record{}, err
	}
	size, err := r.vli()
	if err != nil {
		return record{}, err
	}
	got := record{unpadded: unpadded, size: size}
	return got, got.check()
}

// readIndex compares the index with the blocks that were there, and returns its
// size in bytes.
func readIndex(src *source, want records) (int64, error) {
	got := newRecords()
	size, err := walkIndex(src, func(n uint64) error {
		if n != want.n {
			return corrupt("the index has %d blocks, the stream %d", n, want.n)
		}
		return nil
	}, func(r record) error {
		got.add(r)
		if got.overflows() {
			return corrupt("the index has more than 2^63 bytes")
		}
		return nil
	})
	if err == nil && !got.equal(want) {
		err = corrupt("the index has other sizes than the blocks")
	}
	return size, err
}

// walkIndex reads an index, calls count with its number of records and each
// with all of them in order, and returns its size in bytes.
func walkIndex(src *source, count func(uint64) error, each func(record) error) (int64, error) {
	r := &indexReader{src: src}
	if mark, err := r.take(1); err != nil || mark[0] != 0 {
		return 0, orCorrupt(err, "there is no index")
	}
	n, err := r.vli()
	if err != nil {
		return 0, err
	}
	if err := count(n); err != nil {
		return 0, err
	}
	for range n {
		rec, err := r.record()
		if err != nil {
			return 0, err
		}
		if err := each(rec); err != nil {
			return 0, err
		}
	}
	if b, err := r.take(pad(r.size)); err != nil || !isZero(b) {
		return 0, orCorrupt(err, "the index is not padded with zeros")
	}
	want := r.crc
	b, err := r.take(4)
	if err != nil || binary.LittleEndian.Uint32(b) != want {
		return 0, orCorrupt(err, "the CRC32 of the index is wrong")
	}
	return r.size, nil
}

func orCorrupt(err error, text string) error {
	if err == nil {
		return corrupt("%s", text)
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
