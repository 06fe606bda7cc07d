package fat

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// perLong is how many UTF-16 units of a name one directory entry holds.
const perLong = 13

// maxLong is how many a name may have.
const maxLong = 255

// checkName refuses what no reader takes for a name.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("%q is no name", name)
	case len(utf16.Encode([]rune(name))) > maxLong:
		return errors.New("the name is too long")
	case strings.ContainsAny(name, `"*:<>?\|`) || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf("the name %q has a character that FAT does not", name)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return fmt.Errorf("the name %q ends in a dot or a space", name)
	}
	return nil
}

// labelOf fills a volume label up to its eleven bytes.
func labelOf(label string) (b [11]byte, err error) {
	if len(label) > len(b) || strings.ContainsFunc(label, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return b, fmt.Errorf("%q is no volume label: want 11 characters of ASCII at most", label)
	}
	if label == "" {
		label = "NO NAME"
	}
	copy(b[:], strings.ToUpper(label)+"           ")
	return b, nil
}

// shorten gives all in a directory a short name of its own, in their order.
func (n *node) shorten() {
	taken := map[[11]byte]bool{}
	for _, kid := range n.kids {
		if short, ok := exactly(kid.name); ok {
			kid.short = short
			taken[short] = true
		} else {
			kid.long = true
		}
	}
	for _, kid := range n.kids {
		for i := 1; kid.long; i++ {
			kid.short = tailed(kid.name, i)
			if !taken[kid.short] {
				taken[kid.short] = true
				break
			}
		}
	}
}

// exactly is the short name of a name that is one: eight and three capitals.
func exactly(name string) (short [11]byte, ok bool) {
	base, ext, dotted := strings.Cut(name, ".")
	if base == "" || len(base) > 8 || len(ext) > 3 || dotted && ext == "" || plain(name) != name || strings.Contains(ext, ".") {
		return short, false
	}
	copy(short[:], base+"        ")
	copy(short[8:], ext+"   ")
	return short, true
}

// plain replaces what a short name cannot have.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '.' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("$%'-_@~`!(){}^#&", r):
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return '_'
	}, s)
}

// tailed is the i-th short name that a long one may get: "BOOTX6~1.EFI".
func tailed(name string, i int) (short [11]byte) {
	base, ext := plain(strings.TrimLeft(name, ".")), ""
	if dot := strings.LastIndexByte(base, '.'); dot > 0 {
		base, ext = base[:dot], base[dot+1:]
	}
	base = strings.ReplaceAll(base, ".", "")
	tail := fmt.Sprintf("~%d", i)
	base = base[:min(len(base), 8-len(tail))] + tail
	copy(short[:], base+"        ")
	copy(short[8:], ext[:min(len(ext), 3)]+"   ")
	return short
}

// longEntries is how many directory entries the long name takes.
func (n *node) longEntries() int {
	if !n.long {
		return 0
	}
	return (len(utf16.Encode([]rune(n.name))) + perLong - 1) / perLong
}

// checksum binds the entries of a long name to the short one.
func checksum(short [11]byte) (sum byte) {
	for _, b := range short {
		sum = sum<<7 | sum>>1
		sum += b
	}
	return sum
}
