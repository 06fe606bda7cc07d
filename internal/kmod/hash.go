package kmod

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// kmod keeps modules and symbols in hash tables and lists them in the order of these:
// by bucket, and in a bucket by name.
const (
	moduleBuckets = 512
	symbolBuckets = 2048
)

// byBucket sorts names as a table of so many buckets, a power of two, lists them.
func byBucket(names []string, buckets uint32) {
	type placed struct {
		bucket uint32
		name   string
	}
	all := make([]placed, len(names))
	for i, n := range names {
		all[i] = placed{superFast(n) & (buckets - 1), n}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.name, b.name)) })
	for i := range all {
		names[i] = all[i].name
	}
}

// superFast is Paul Hsieh's SuperFastHash (http://www.azillionmonkeys.com/qed/hash.html),
// begun with the length, on a little-endian machine.
func superFast(s string) uint32 {
	b := []byte(s)
	h := uint32(len(b))
	half := func(at int) uint32 { return uint32(binary.LittleEndian.Uint16(b[at:])) }
	for ; len(b) >= 4; b = b[4:] {
		h += half(0)
		h = h<<16 ^ half(2)<<11 ^ h
		h += h >> 11
	}
	switch len(b) {
	case 3:
		h += half(0)
		h ^= h << 16
		h ^= uint32(b[2]) << 18
		h += h >> 11
	case 2:
		h += half(0)
		h ^= h << 11
		h += h >> 17
	case 1:
		h += uint32(int8(b[0]))
		h ^= h << 10
		h += h >> 1
	}
	h ^= h << 3
	h += h >> 5
	h ^= h << 4
	h += h >> 17
	h ^= h << 25
	h += h >> 6
	return h
}
