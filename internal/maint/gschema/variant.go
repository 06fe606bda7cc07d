package gschema

import (
	"encoding/binary"
	"math"
	"strings"
)

// value is a GVariant. data is: for "b" a bool, for integers an int64 (for "t" a
// uint64), for "d" a float64, for "s", "o" and "g" a string, for "v" a value, for
// all containers a []value: of "m…" none or one, of "a…" the elements, of "(…)" and
// "{…}" the members.
type value struct {
	kind string // its type
	data any
}

// nextType cuts the first complete type off a type string; ok is false where there
// is none.
func nextType(s string) (first, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	switch s[0] {
	case 'a', 'm':
		inner, rest, ok := nextType(s[1:])
		return s[:1] + inner, rest, ok
	case '(', '{':
		end := map[byte]byte{'(': ')', '{': '}'}[s[0]]
		at := s[1:]
		for at != "" && at[0] != end {
			if _, at, ok = nextType(at); !ok {
				return "", "", false
			}
		}
		if at == "" {
			return "", "", false
		}
		n := len(s) - len(at) + 1
		return s[:n], s[n:], true
	}
	return s[:1], s[1:], strings.IndexByte("bynqiuxthdsogv", s[0]) >= 0
}

// members lists the types of a tuple's or dictionary entry's members.
func members(kind string) []string {
	var all []string
	for rest := kind[1 : len(kind)-1]; rest != ""; {
		var first string
		first, rest, _ = nextType(rest)
		all = append(all, first)
	}
	return all
}

// layout is the alignment of a type and the size that all of its values have; 0
// where they differ.
func layout(kind string) (alignment, size int) {
	switch kind[0] {
	case 'y', 'b':
		return 1, 1
	case 'n', 'q':
		return 2, 2
	case 'i', 'u', 'h':
		return 4, 4
	case 'x', 't', 'd':
		return 8, 8
	case 'v':
		return 8, 0
	case 'a', 'm':
		alignment, _ = layout(kind[1:])
		return alignment, 0
	case '(', '{':
		return tupleLayout(members(kind))
	}
	return 1, 0
}

func tupleLayout(kinds []string) (alignment, size int) {
	alignment, fixed := 1, true
	for _, k := range kinds {
		a, n := layout(k)
		alignment, fixed = max(alignment, a), fixed && n > 0
		size = padded(size, a) + n
	}
	switch {
	case len(kinds) == 0:
		return 1, 1 // the unit tuple is one zero byte
	case !fixed:
		return alignment, 0
	}
	return alignment, padded(size, alignment)
}

func padded(n, alignment int) int { return (n + alignment - 1) / alignment * alignment }

// serialise returns the value in GVariant's normal form, little endian.
func serialise(v value) []byte {
	switch v.kind[0] {
	case 'a':
		return serialiseArray(v)
	case 'm':
		return serialiseMaybe(v)
	case '(', '{':
		return serialiseTuple(v)
	case 'v':
		inner := v.data.(value)
		return append(append(serialise(inner), 0), inner.kind...)
	}
	return serialiseBasic(v)
}

func serialiseBasic(v value) []byte {
	switch d := v.data.(type) {
	case bool:
		if d {
			return []byte{1}
		}
		return []byte{0}
	case string:
		return append([]byte(d), 0)
	case float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(d))
	case uint64:
		return binary.LittleEndian.AppendUint64(nil, d)
	case int64:
		_, size := layout(v.kind)
		return binary.LittleEndian.AppendUint64(nil, uint64(d))[:size]
	}
	panic("bug: a value of type " + v.kind + " without data")
}

func serialiseArray(v value) []byte {
	alignment, size := layout(v.kind[1:])
	var out []byte
	var ends []int
	for _, e := range v.data.([]value) {
		out = pad(out, alignment)
		out = append(out, serialise(e)...)
		ends = append(ends, len(out))
	}
	if size > 0 {
		return out
	}
	return appendOffsets(out, ends)
}

func serialiseMaybe(v value) []byte {
	inner := v.data.([]value)
	if len(inner) == 0 {
		return nil
	}
	out := serialise(inner[0])
	if _, size := layout(v.kind[1:]); size == 0 {
		out = append(out, 0)
	}
	return out
}

// serialiseTuple writes the ends of all members without a fixed size but the last,
// in reverse order.
func serialiseTuple(v value) []byte {
	alignment, size := layout(v.kind)
	list := v.data.([]value)
	var out []byte
	var ends []int
	for i, m := range list {
		a, fixed := layout(m.kind)
		out = pad(out, a)
		out = append(out, serialise(m)...)
		if fixed == 0 && i < len(list)-1 {
			ends = append([]int{len(out)}, ends...)
		}
	}
	switch {
	case len(list) == 0:
		return []byte{0}
	case size > 0:
		return pad(out, alignment)
	}
	return appendOffsets(out, ends)
}

func pad(b []byte, alignment int) []byte {
	return append(b, make([]byte, padded(len(b), alignment)-len(b))...)
}

// appendOffsets writes offsets with as many bytes each as the whole then needs.
func appendOffsets(out []byte, offsets []int) []byte {
	width := 1
	for width < 8 && len(out)+width*len(offsets) >= 1<<(8*width) {
		width *= 2
	}
	for _, o := range offsets {
		out = append(out, binary.LittleEndian.AppendUint64(nil, uint64(o))[:width]...)
	}
	return out
}
