package awk

import (
	"math"
	"strings"
)

// value is a scalar: unset, a number, a string, or input, which is a number too where
// it looks like one.
type value struct {
	kind   valueKind
	shared bool // str is a part of something that may be much larger
	num    float64
	str    string
}

type valueKind uint8

const (
	unset valueKind = iota
	isNumber
	isText
	isInput
)

func number(f float64) value { return value{kind: isNumber, num: f} }
func text(s string) value    { return value{kind: isText, str: s} }
func input(s string) value   { return value{kind: isInput, str: s} }

// part is input that shares the memory of something larger.
func part(s string) value { return value{kind: isInput, str: s, shared: true} }

func truth(b bool) value {
	if b {
		return number(1)
	}
	return number(0)
}

// float is the value as a number. Reading a long string is paid for.
func (in *interpreter) float(v value) float64 {
	in.spend(len(v.str))
	switch v.kind {
	case unset:
		return 0
	case isNumber:
		return v.num
	}
	f, _ := leadingNumber(v.str)
	return f
}

// numeric reports whether v compares as a number, and as which.
func (in *interpreter) numeric(v value) (float64, bool) {
	in.spend(len(v.str))
	switch v.kind {
	case unset:
		return 0, true
	case isNumber:
		return v.num, true
	case isInput:
		return leadingNumber(v.str)
	}
	return 0, false
}

// holds reports whether v is true.
func (in *interpreter) holds(v value) bool {
	if v.kind == isText {
		return v.str != ""
	}
	if f, ok := in.numeric(v); ok {
		return f != 0
	}
	return v.str != ""
}

// integer is f without its fraction, kept within what an int holds.
func integer(f float64) int {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= math.MinInt32:
		return math.MinInt32
	}
	return int(f)
}

// own is v without anything shared, to be kept.
func (in *interpreter) own(v value) value {
	if v.shared {
		in.spend(len(v.str))
		v.str, v.shared = strings.Clone(v.str), false
	}
	return v
}
