package secrets

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
)

// leastWrapped is how long a piece of base64 is that is decoded, and lineWrapped how
// long a line of it that the next one goes on; in characters.
const (
	leastWrapped = 24
	lineWrapped  = 60
)

// encodedSecret is the rule of what wrapped finds.
const encodedSecret = "encoded-secret"

// wrapped looks for text in base64 that begins in text[begin:end] and, in what its first
// lookAhead characters decode to, for secrets: a whole file, an entry of a Secret of
// Kubernetes. Only every leastWrapped-th byte is looked at: no piece lies between two.
func (s *scanner) wrapped(text []byte, base int64, begin, end int) {
	// One that begins just before end may have its first such byte behind it.
	for i := begin; i < min(end+leastWrapped, len(text)) && len(s.hits) < MostFindings; i += leastWrapped {
		if !base64Only[text[i]] {
			continue
		}
		from := i
		for from > begin && base64Only[text[from-1]] {
			from--
		}
		n := base64Only.run(text, i, len(text))
		last := from == begin && begin > 0 && base64Only[text[begin-1]] // seen with the last window
		if i+n-from >= leastWrapped && from < end && !last && !continues(text, from) {
			s.unwrap(text, base, from)
		}
		i += n
	}
}

// continues reports whether the line before text[at] is one of base64 that is full.
func continues(text []byte, at int) bool {
	i := at
	for i > 0 && at-i < 40 && space[text[i-1]] {
		i--
	}
	if bytes.IndexByte(text[i:at], '\n') < 0 {
		return false
	}
	n := 0
	for i > 0 && n < lineWrapped && base64Only[text[i-1]] {
		i--
		n++
	}
	return n == lineWrapped
}

// unwrap decodes what begins at text[from], and reports the first secret in it.
func (s *scanner) unwrap(text []byte, base int64, from int) {
	if !isPlainText(decodedOnly(text[from : from+leastWrapped])) {
		return
	}
	var piece []byte
	to := from
	for i := from; ; {
		n := base64Only.run(text, i, from+lookAhead-i)
		piece = append(piece, text[i:i+n]...)
		to = i + n
		next := to + space.run(text, to, 40)
		if n < lineWrapped || next == to || next >= len(text) || next-from >= lookAhead || !base64Only[text[next]] {
			break
		}
		i = next
	}
	plain := decodedOnly(piece)
	if i := slices.IndexFunc(plain, func(c byte) bool { return !isPlainText([]byte{c}) && c < 0x80 }); i >= 0 {
		plain = plain[:i]
	}
	inner := &scanner{rules: rules(), name: "base64", kind: config, source: bytes.NewReader(plain), inner: true}
	if s.kind == code && len(plain) > 1000 {
		inner.kind = code // the map of a program's sources
	}
	if inner.run() != nil || len(inner.hits) == 0 {
		return
	}
	rule := slices.IndexFunc(rules(), func(r Rule) bool { return r.Name == encodedSecret })
	f := inner.sorted()[0]
	s.report(text, base, from, to, rule)
	for i := range s.hits {
		if h := &s.hits[i]; h.rule == rule && h.from == base+int64(from) {
			h.Masked, h.Same = fmt.Sprintf("%s %s", f.Rule, f.Masked), f.Same
		}
	}
}

// decodedOnly is b as base64 of the standard alphabet, without the rest of a group that
// is not there.
func decodedOnly(b []byte) []byte {
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, _ := base64.RawStdEncoding.Decode(out, b)
	return out[:n]
}

// isPlainText reports whether b is ASCII as texts have it.
func isPlainText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}
