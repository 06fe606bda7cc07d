// Package redact knows secrets by their values: it takes them out of what is printed
// (Writer), and finds them in what is to be kept (Find). A value is known in the forms
// in which programs pass it on: as it is; in base64 of either alphabet, wherever in a longer
// text it stands (RFC 4648, three alignments); in hexadecimal of either case;
// percent-encoded (RFC 3986). Find looks at them also across line ends, which wrapped
// base64 has, and inside of gzip (RFC 1952).
//
// It is no proof against a program that hides a secret on purpose, which could reverse
// or encrypt it.
package redact

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// MinSize is the least size of a value, in bytes: a shorter one would be found in
// what has nothing to do with it.
const MinSize = 8

// Secret is a value and its name.
type Secret struct {
	ID    string
	Value []byte
}

// form is a text that gives a secret away.
type form struct {
	id   string
	name string // "base64"
	text string
}

// Forms are the forms of some secrets.
type Forms struct {
	list    []form
	longest int
}

// NewForms lists the forms of secrets. Line ends around a value are no part of it, and
// of a value of several lines each long one is a secret too.
func NewForms(secrets []Secret) *Forms {
	f := &Forms{}
	for _, s := range secrets {
		whole := strings.Trim(string(s.Value), "\r\n")
		f.addAll(s.ID, whole)
		if strings.Contains(whole, "\n") {
			for line := range strings.Lines(whole) {
				f.addAll(s.ID, strings.TrimSpace(line))
			}
		}
	}
	slices.SortStableFunc(f.list, func(a, b form) int { return len(b.text) - len(a.text) })
	return f
}

func (f *Forms) addAll(id, value string) {
	if len(value) < MinSize {
		return
	}
	f.add(id, "plain", value)
	for shift := range 3 {
		text := aligned(value, shift)
		f.add(id, "base64", text)
		f.add(id, "base64", strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	f.add(id, "hexadecimal", hex.EncodeToString([]byte(value)))
	f.add(id, "hexadecimal", strings.ToUpper(hex.EncodeToString([]byte(value))))
	for _, text := range []string{url.QueryEscape(value), url.PathEscape(value), percentEncoded(value)} {
		f.add(id, "percent-encoded", text)
		f.add(id, "percent-encoded", lowerEscapes(text))
	}
}

func (f *Forms) add(id, name, text string) {
	if slices.ContainsFunc(f.list, func(g form) bool { return g.text == text }) {
		return
	}
	f.list = append(f.list, form{id, name, text})
	f.longest = max(f.longest, len(text))
}

// aligned is what of the base64 of a text that holds value is the same whatever stands
// around it, where value begins shift bytes after a group of three.
func aligned(value string, shift int) string {
	all := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + value))
	from := (shift*8 + 5) / 6
	to := (shift + len(value)) * 8 / 6
	return all[from:to]
}

// percentEncoded encodes all but what RFC 3986 calls unreserved.
func percentEncoded(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// lowerEscapes writes the digits of escapes small.
func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(text[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}
