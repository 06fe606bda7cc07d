package deb

import "strings"

// Compare orders two versions as dpkg does (deb-version(7), "Sorting algorithm"):
// the result is below 0 where a is older, 0 where they are equal and above 0
// where a is newer. It does not allocate.
//
// It is a total order over all strings, so that sorting never misbehaves: what
// has no valid epoch is taken as having none. Use CheckVersion at the border.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	epochA, a := cutEpoch(a)
	epochB, b := cutEpoch(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c
	}
	a, revisionA := cutRevision(a)
	b, revisionB := cutRevision(b)
	if c := compareParts(a, b); c != 0 {
		return c
	}
	return compareParts(revisionA, revisionB)
}

// cutEpoch returns the digits before the first colon, without leading zeros, and
// what follows it.
func cutEpoch(v string) (epoch, rest string) {
	i := strings.IndexByte(v, ':')
	if i < 0 {
		return "", v
	}
	digits := unsigned(v[:i])
	if digits == "" || !allDigits(digits) {
		return "", v
	}
	return trimZeros(digits), v[i+1:]
}

// unsigned drops the sign that dpkg's strtol allows before an epoch.
func unsigned(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// cutRevision splits at the last hyphen. No revision and an empty one are equal to "0".
func cutRevision(v string) (upstream, revision string) {
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return v[:i], v[i+1:]
	}
	return v, ""
}

// compareParts compares upstream versions or revisions: by turns a run of
// non-digits, character by character, and a run of digits, by number.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for startsOther(a) || startsOther(b) {
			if c := weightOf(a) - weightOf(b); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
		}
		n, m := leadingDigits(a), leadingDigits(b)
		if c := compareNumbers(trimZeros(a[:n]), trimZeros(b[:m])); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

func startsOther(s string) bool { return s != "" && !isDigit(s[0]) }

// weightOf is the rank of the first character of a non-digit run: tilde sorts
// before the end of the run, that before letters, and letters before all else.
func weightOf(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isAlpha(s[0]):
		return int(s[0])
	default:
		return int(s[0]) + 256
	}
}

// compareNumbers compares decimal numbers of any length without leading zeros.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func trimZeros(s string) string {
	for s != "" && s[0] == '0' {
		s = s[1:]
	}
	return s
}

func allDigits(s string) bool { return leadingDigits(s) == len(s) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }

// Satisfies reports whether the version have meets the bound "op want". The
// empty op is met by every version; an unknown one by none.
func Satisfies(have, op, want string) bool {
	if op == "" {
		return true
	}
	c := Compare(have, want)
	switch op {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	case ">>":
		return c > 0
	}
	return false
}
