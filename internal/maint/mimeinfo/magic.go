package mimeinfo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// magic is a rule by a file's content.
type magic struct {
	priority int
	of       *Type
	none     bool // forgets the rules of files below
	matches  []*match
}

// match is one condition of a rule.
type match struct {
	start, length int // where it may begin
	word          int // size of a word of the host's order, in bytes
	data, mask    []byte
	matches       []*match // of which one must hold as well
}

func (db *Database) readMagic(t *Type, f *node) error {
	priority, err := percentage(f, "priority")
	if err != nil {
		return err
	}
	m := &magic{priority: priority, of: t}
	if m.matches, err = readMatches(f); err != nil {
		return err
	}
	if len(m.matches) == 0 {
		return errors.New("there is no <match> in it")
	}
	db.magics = append(db.magics, m)
	return nil
}

func readMatches(up *node) ([]*match, error) {
	var all []*match
	for _, n := range up.children {
		if !n.isElement() {
			continue
		}
		if n.name != "match" {
			return nil, fmt.Errorf("<%s> is no <match>", n.name)
		}
		m := &match{length: 1, word: 1}
		err := m.readOffset(n)
		if err == nil {
			err = m.readValue(n)
		}
		if err == nil {
			m.matches, err = readMatches(n)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// readOffset reads "12" or "0:64".
func (m *match) readOffset(n *node) (err error) {
	text, _ := n.attribute("offset")
	first, last, ranged := strings.Cut(text, ":")
	if m.start, err = strconv.Atoi(first); err != nil || m.start < 0 {
		return fmt.Errorf("%q is no offset", text)
	}
	if !ranged {
		return nil
	}
	end, err := strconv.Atoi(last)
	if err != nil || end < m.start || end > 1<<31-1 {
		return fmt.Errorf("%q is no offset", text)
	}
	m.length = end - m.start + 1
	return nil
}

func (m *match) readValue(n *node) (err error) {
	kind, _ := n.attribute("type")
	value, _ := n.attribute("value")
	mask, masked := n.attribute("mask")
	if value == "" {
		return errors.New("a <match> has no value")
	}
	size := map[string]int{"byte": 1, "host16": 2, "big16": 2, "little16": 2, "host32": 4, "big32": 4, "little32": 4}[kind]
	switch {
	case kind == "string":
		m.data = unescape(value)
		if masked {
			m.mask, err = stringMask(mask, len(m.data))
		}
		if len(m.data) == 0 || len(m.data) > 0xffff {
			err = fmt.Errorf("the value %q is too short or too long", value)
		}
		return err
	case size == 0:
		return fmt.Errorf("the type %q is not known", kind)
	case strings.HasPrefix(kind, "host"):
		m.word = size
	}
	little := kind == "byte" || kind[0] == 'l'
	if m.data, err = number(value, size, little); err == nil && masked {
		m.mask, err = number(mask, size, little)
	}
	return err
}

// number is the bytes of a number as C writes it.
func number(text string, size int, little bool) ([]byte, error) {
	n, err := strconv.ParseUint(text, 0, 8*size)
	if err != nil || strings.Contains(text, "_") || len(text) > 1 && text[0] == '0' && strings.ContainsAny(text[1:2], "bBoO") {
		return nil, fmt.Errorf("%q is no number of %d bytes", text, size)
	}
	out := make([]byte, size)
	for i := range out {
		at := i
		if !little {
			at = size - 1 - i
		}
		out[at] = byte(n >> (8 * i))
	}
	return out, nil
}

// stringMask reads hexadecimal digits, of which there may be fewer than needed.
func stringMask(text string, size int) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	out := make([]byte, size)
	if !ok || len(digits) > 2*size {
		return nil, fmt.Errorf("%q is no mask of %d bytes", text, size)
	}
	for i := range len(digits) {
		n, err := strconv.ParseUint(digits[i:i+1], 16, 4)
		if err != nil {
			return nil, fmt.Errorf("%q is no mask: %w", text, err)
		}
		out[i/2] |= byte(n) << (4 * (1 - i%2))
	}
	return out, nil
}

// unescape reads C's escapes as file(1) does.
func unescape(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		c := s[i]
		switch at := strings.IndexByte("nrbtfv", c); {
		case at >= 0:
			out = append(out, "\n\r\b\t\f\v"[at])
		case c == 'x':
			digits := run(s[i+1:], "0123456789abcdefABCDEF", 2)
			if digits == "" {
				out = append(out, 'x')
				continue
			}
			n, _ := strconv.ParseUint(digits, 16, 8)
			out, i = append(out, byte(n)), i+len(digits)
		case '0' <= c && c <= '7':
			digits := run(s[i:], "01234567", 3)
			n, _ := strconv.ParseUint(digits, 8, 16)
			out, i = append(out, byte(n)), i+len(digits)-1
		default:
			out = append(out, c)
		}
	}
	return out
}

// run is the beginning of s that consists of these characters, at most so many.
func run(s, of string, most int) string {
	n := 0
	for n < min(len(s), most) && strings.IndexByte(of, s[n]) >= 0 {
		n++
	}
	return s[:n]
}

// sortMagic puts rules of higher priority first, and those of a type by its name.
func (db *Database) sortMagic() {
	slices.SortStableFunc(db.magics, func(a, b *magic) int {
		switch {
		case a.none != b.none:
			return map[bool]int{true: -1, false: 1}[a.none]
		case a.none:
			return 0
		}
		return cmp.Or(b.priority-a.priority, compareTypes(a.of, b.of))
	})
	slices.SortStableFunc(db.treeMagics, func(a, b *treeMagic) int {
		return cmp.Or(b.priority-a.priority, compareTypes(a.of, b.of))
	})
}

func compareTypes(a, b *Type) int {
	media, sub, _ := strings.Cut(a.name, "/")
	media2, sub2, _ := strings.Cut(b.name, "/")
	return cmp.Or(strings.Compare(media, media2), strings.Compare(sub, sub2))
}

func (db *Database) magicFile() []byte {
	b := bytes.NewBufferString("MIME-Magic\x00\n")
	for _, m := range db.magics {
		fmt.Fprintf(b, "[%d:%s]\n", m.priority, m.of.name)
		writeMatches(b, m.matches, 0)
	}
	return b.Bytes()
}

func writeMatches(b *bytes.Buffer, list []*match, depth int) {
	for _, m := range list {
		if depth > 0 {
			b.WriteString(strconv.Itoa(depth))
		}
		fmt.Fprintf(b, ">%d=", m.start)
		b.Write([]byte{byte(len(m.data) >> 8), byte(len(m.data))})
		b.Write(m.data)
		if m.mask != nil {
			b.WriteByte('&')
			b.Write(m.mask)
		}
		if m.word != 1 {
			fmt.Fprintf(b, "~%d", m.word)
		}
		if m.length != 1 {
			fmt.Fprintf(b, "+%d", m.length)
		}
		b.WriteByte('\n')
		writeMatches(b, m.matches, depth+1)
	}
}
