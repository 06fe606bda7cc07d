package awk

import (
	"math"
	"strconv"
	"strings"
)

const blanks = " \t\n\v\f\r"

// numberLength is how many bytes at the beginning of s are a decimal number, without
// a sign.
func numberLength(s string) int {
	digits := func(i int) int {
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		return i
	}
	n := digits(0)
	found := n > 0
	if n < len(s) && s[n] == '.' {
		end := digits(n + 1)
		if found = found || end > n+1; found {
			n = end
		}
	}
	if !found {
		return 0
	}
	if n < len(s) && s[n]|32 == 'e' {
		from := n + 1
		if from < len(s) && (s[from] == '+' || s[from] == '-') {
			from++
		}
		if end := digits(from); end > from {
			n = end
		}
	}
	return n
}

// parseNumber reads what numberLength found. Beyond the range it is an infinity or 0.
func parseNumber(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// leadingNumber is the number that a string begins with, and whether that is all of
// it but for blanks.
func leadingNumber(s string) (f float64, all bool) {
	rest := strings.TrimLeft(s, blanks)
	signed := rest
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	n := numberLength(rest)
	if n == 0 {
		return 0, false
	}
	f = parseNumber(rest[:n])
	if signed[0] == '-' {
		f = -f
	}
	return f, strings.TrimLeft(rest[n:], blanks) == ""
}

// maxInteger is where mawk ends to print whole numbers as such.
const maxInteger = 1 << 63

// wholeText is a whole number's text.
func wholeText(f float64) (string, bool) {
	switch {
	case f != math.Trunc(f) || math.Abs(f) > maxInteger:
		return "", false
	case f == 0:
		return "0", true
	case math.Abs(f) < 1<<53:
		return strconv.FormatInt(int64(f), 10), true
	}
	return strconv.FormatFloat(f, 'f', 0, 64), true
}

// notFinite is how the C library prints what is no number, and what is endless.
func notFinite(f float64) (string, bool) {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		return "-nan", true
	case math.IsNaN(f):
		return "nan", true
	case math.IsInf(f, 1):
		return "inf", true
	case math.IsInf(f, -1):
		return "-inf", true
	}
	return "", false
}
