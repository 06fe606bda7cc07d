package awk

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// array is an associative array. "for (k in a)" visits its elements in the order of
// mawk 1.3.4's tables, which is a function of the keys and of how they were used, and of
// nothing else: by bucket of the key's FNV-1a hash, of 64 buckets or, of an array with
// more than 768 elements, as many times twice that as it takes for twelve elements each;
// within a bucket the one last looked up by a string first. Elements that were only
// looked up by a whole number stand as mawk moves them over from a table of their own,
// bucket by bucket of the number's low bits.
type array struct {
	elements map[string]*cell
	strings  bool // it was looked up by a string
	listed   int  // the length of what split made, until it is used as no list is; else -1
	buckets  int
	clock    uint64
	weight   int64
}

// cell is an element.
type cell struct {
	value    value
	number   int64  // the key, where it was used as a whole number
	byNumber uint64 // when it was last looked up as a whole number; 0 for never
	byString uint64 // when as a string
}

const (
	startBuckets = 64
	bucketLength = 12

	// cellWeight is what an element takes in memory beside its strings, in bytes.
	cellWeight = 144
)

func newArray() *array {
	return &array{elements: map[string]*cell{}, buckets: startBuckets, listed: -1}
}

// key is an array index: a string, and whether it came as a whole number.
type key struct {
	text    string
	number  int64
	isWhole bool
}

func (a *array) tick() uint64 { a.clock++; return a.clock }

// wholeKey is the key of a whole number.
func wholeKey(f float64) (key, bool) {
	if f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return key{}, false
	}
	n := int64(f)
	return key{text: strconv.FormatInt(n, 10), number: n, isWhole: true}, true
}

// find looks an element up.
func (a *array) find(k key) *cell {
	c := a.elements[k.text]
	if a.listed >= 0 && k.isWhole {
		if c != nil || k.number == int64(a.listed)+1 {
			return c
		}
		a.unlist()
	}
	a.touch(k, c)
	return c
}

// touch notes how an element was looked up, which is found in c unless that is nil.
func (a *array) touch(k key, c *cell) {
	if !k.isWhole {
		a.unlist()
		a.byStrings()
	}
	switch {
	case c == nil:
	case !k.isWhole:
		c.byString = a.tick()
	case c.byNumber > 0:
		c.byNumber = a.tick()
	default:
		c.number = k.number
		c.byNumber, c.byString = a.tick(), a.tick()
	}
}

// add makes an element that find did not.
func (a *array) add(k key) *cell {
	c := &cell{}
	a.elements[strings.Clone(k.text)] = c
	if a.listed >= 0 {
		a.listed++
	}
	switch {
	case k.isWhole && !a.strings:
		c.number, c.byNumber = k.number, a.tick()
	case k.isWhole:
		c.number = k.number
		c.byNumber, c.byString = a.tick(), a.tick()
	default:
		c.byString = a.tick()
	}
	for len(a.elements) > a.buckets*bucketLength {
		a.buckets *= 2
	}
	return c
}

// unlist ends the time in which a lookup by number changes nothing.
func (a *array) unlist() { a.listed = -1 }

// byStrings gives all elements a place in the order of strings.
func (a *array) byStrings() {
	if a.strings || len(a.elements) == 0 {
		return
	}
	a.strings = true
	all := make([]*cell, 0, len(a.elements))
	for _, c := range a.elements {
		all = append(all, c)
	}
	mask := int64(a.buckets - 1)
	slices.SortFunc(all, func(x, y *cell) int {
		return cmp.Or(cmp.Compare(x.number&mask, y.number&mask), cmp.Compare(y.byNumber, x.byNumber))
	})
	for _, c := range all {
		c.byString = a.tick()
	}
}

// keys lists the keys in the order of a for.
func (a *array) keys() []string {
	a.unlist()
	a.byStrings()
	type place struct {
		key    string
		bucket uint32
		when   uint64
	}
	all := make([]place, 0, len(a.elements))
	for k, c := range a.elements {
		all = append(all, place{k, hash(k) & uint32(a.buckets-1), c.byString})
	}
	slices.SortFunc(all, func(x, y place) int {
		return cmp.Or(cmp.Compare(x.bucket, y.bucket), cmp.Compare(y.when, x.when))
	})
	keys := make([]string, len(all))
	for i, p := range all {
		keys[i] = p.key
	}
	return keys
}

// hash is FNV-1a with 32 bits.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
