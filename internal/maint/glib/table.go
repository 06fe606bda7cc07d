// Package glib is the order in which GLib's hash tables list their keys, which files
// that are written from such tables are in.
package glib

// Table is a GHashTable of strings with the keys alone. Nothing is removed from it.
type Table struct {
	shift  int
	hashes []uint32
	keys   []string
	nodes  int
}

// primes are what GHashTable takes hashes modulo, by the table's shift.
var primes = []uint32{
	1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071, 262139, 524287, 1048573,
}

const minShift = 3

// NewTable returns an empty table.
func NewTable() *Table {
	h := &Table{}
	h.setShift(minShift)
	return h
}

func (h *Table) setShift(shift int) {
	h.shift, h.hashes, h.keys = shift, make([]uint32, 1<<shift), make([]string, 1<<shift)
}

// Hash is g_str_hash, which is GVDB's hash as well.
func Hash(key string) uint32 {
	h := uint32(5381)
	for i := range len(key) {
		h = h*33 + uint32(int8(key[i]))
	}
	return h
}

// Insert adds a key that is not there yet.
func (h *Table) Insert(key string) {
	hash := Hash(key)
	if hash < 2 { // 0 and 1 mark empty places
		hash = 2
	}
	h.place(hash, key)
	h.nodes++
	if size := len(h.hashes); size <= h.nodes+h.nodes/16 {
		h.grow()
	}
}

func (h *Table) place(hash uint32, key string) {
	i := hash * 11 % primes[h.shift]
	for step := uint32(1); h.hashes[i] != 0; step++ {
		i = (i + step) & uint32(len(h.hashes)-1)
	}
	h.hashes[i], h.keys[i] = hash, key
}

// grow makes the table larger. GHashTable moves its entries in place: each goes to
// the first place on its way that holds none that was moved already, and what it
// finds there is moved next.
func (h *Table) grow() {
	hashes, keys := h.hashes, h.keys
	h.setShift(max(minShift, closestShift(int(float64(h.nodes)*1.333))))
	moved := make([]bool, max(len(hashes), len(h.hashes)))
	copy(h.hashes, hashes)
	copy(h.keys, keys)
	for i := range hashes {
		hash, key := h.hashes[i], h.keys[i]
		if hash == 0 || moved[i] {
			continue
		}
		h.hashes[i], h.keys[i] = 0, ""
		for {
			at := hash * 11 % primes[h.shift]
			for step := uint32(1); moved[at]; step++ {
				at = (at + step) & uint32(len(h.hashes)-1)
			}
			moved[at] = true
			nextHash, nextKey := h.hashes[at], h.keys[at]
			h.hashes[at], h.keys[at] = hash, key
			if nextHash == 0 {
				break
			}
			hash, key = nextHash, nextKey
		}
	}
}

// closestShift is the number of bits of n.
func closestShift(n int) int {
	shift := 0
	for ; n > 0; n >>= 1 {
		shift++
	}
	return shift
}

// Order lists the keys as g_hash_table_foreach visits them.
func (h *Table) Order() []string {
	var all []string
	for i, hash := range h.hashes {
		if hash != 0 {
			all = append(all, h.keys[i])
		}
	}
	return all
}
