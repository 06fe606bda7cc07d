package secrets

import (
	"bytes"
	"encoding/base64"
	"math"
)

// entropy is Shannon's, of the bytes of b by their own frequencies, in bits a byte.
func entropy(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			f := float64(n) / float64(len(b))
			sum -= f * math.Log2(f)
		}
	}
	return sum
}

// decoded is b as base64, with or without padding, as far as it is any.
func decoded(b []byte) []byte {
	b = bytes.TrimRight(b, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(b, "-_") {
		encoding = base64.RawURLEncoding
	}
	out := make([]byte, encoding.DecodedLen(len(b)))
	n, _ := encoding.Decode(out, b)
	return out[:n]
}

// isFiller reports whether b is a pattern and no key: the same few characters again
// and again.
func isFiller(b []byte) bool {
	seen := map[byte]bool{}
	for _, c := range b[:min(len(b), 256)] {
		seen[c] = true
	}
	return len(seen) < 16
}

// placeholders are words that nobody has in a secret, and that stand where one goes.
var placeholders = [][]byte{
	[]byte("example"), []byte("changeme"), []byte("change_me"), []byte("change-me"), []byte("changethis"), []byte("placeholder"), []byte("replace"),
	[]byte("your_"), []byte("your-"), []byte("yourp"), []byte("yours"), []byte("yourt"), []byte("yourk"), []byte("youra"), []byte("xxxx"), []byte("****"), []byte("...."), []byte("redacted"), []byte("dummy"),
	[]byte("fixme"), []byte("todo"), []byte("insert"), []byte("<secret"), []byte("<password"), []byte("notasecret"), []byte("not-a-"), []byte("not_a_"), []byte("hidden"),
	[]byte("1234567890"), []byte("0123456789"), []byte("abcdefgh"), []byte("abcdef0123"), []byte("deadbeef"), []byte("sample"), []byte("mytoken"), []byte("mysecret"), []byte("mykey"), []byte("____"), []byte("foobar"),
}

// isPlaceholder reports whether a value stands for one that somebody has to fill in,
// or for one that is found elsewhere.
func isPlaceholder(v []byte) bool {
	low := bytes.ToLower(v)
	for _, w := range placeholders {
		if bytes.Contains(low, w) {
			return true
		}
	}
	return isReference(v) || isRepeated(low)
}

// isExample is isPlaceholder for what has the form of a token to the letter, which
// may hold any letters by chance.
func isExample(v []byte) bool {
	low := bytes.ToLower(v)
	for _, w := range [][]byte{[]byte("example"), []byte("xxxx"), []byte("placeholder"), []byte("changeme"), []byte("redacted"), []byte("your_"), []byte("your-")} {
		if bytes.Contains(low, w) {
			return true
		}
	}
	return isRepeated(low)
}

// isReference reports whether a value is an expression that something else replaces.
func isReference(v []byte) bool {
	if len(v) < 2 {
		return true
	}
	first, last := v[0], v[len(v)-1]
	switch {
	case first == '$' && (v[1] == '{' || v[1] == '(' || v[1] == '$' || wordSet[v[1]] && wordSet.run(v, 1, len(v)) == len(v)-1 && !digitSet[v[1]]):
		return true
	case first == '$' && len(v) == 2, first == '%' && last == '%', first == '@' && last == '@', first == '<' && last == '>', first == '[' && last == ']':
		return true
	case first == '!' && bytes.ContainsAny(v, " "), first == '{' && last == '}':
		return true
	}
	for _, s := range []string{"{{", "${", "#{", "%(", "$(", "<%", "%s", "%d", "{}", "{0}", "://", "/run/secrets", "secretKeyRef"} {
		if bytes.Contains(v, []byte(s)) {
			return true
		}
	}
	return false
}

// isRepeated reports whether a value is made of three different characters at most,
// or of one piece twice and more.
func isRepeated(v []byte) bool {
	seen := map[byte]bool{}
	for _, c := range v {
		seen[c] = true
	}
	if len(seen) <= 3 {
		return true
	}
	for n := 1; n <= len(v)/3 && n <= 8; n++ {
		if bytes.Equal(v[n:], v[:len(v)-n]) {
			return true
		}
	}
	return false
}

// classes counts what a value is made of.
func classes(v []byte) (lower, upper, digit, other int) {
	for _, c := range v {
		switch {
		case 'a' <= c && c <= 'z':
			lower++
		case 'A' <= c && c <= 'Z':
			upper++
		case '0' <= c && c <= '9':
			digit++
		default:
			other++
		}
	}
	return lower, upper, digit, other
}

// isWords reports whether a value is made of letters alone, joined by what names are
// joined by: "files", "org.example.Name", "set-password", "getPassword()".
func isWords(v []byte) bool {
	for _, c := range v {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || bytes.IndexByte([]byte("-_./:,;()[]{}<>*'\"? "), c) >= 0) {
			return false
		}
	}
	return true
}

// isUUID reports whether v has the form of RFC 9562, section 4.
func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !hexSet[c] {
			return false
		}
	}
	return true
}
