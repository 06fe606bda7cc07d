// Package ldcache writes /etc/ld.so.cache as glibc's ldconfig (2.33 and later)
// does: the "new" format alone, with the generator extension, and knows which
// ELF files go into it. It knows no glibc-hwcaps subdirectories.
//
// The format is that of elf/dl-cache.h in glibc's source: a header of 48 bytes,
// an entry of 24 bytes for each library, one table of NUL-terminated strings in
// which a string that ends another shares its bytes, and the extensions. All
// numbers have the byte order of the machine; offsets count from the file's start.
package ldcache

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Entry is one library: the name that programs ask for, where it is, and what
// machine it is for.
type Entry struct {
	Name, Path string
	Flags      uint32
}

const (
	magic          = "glibc-ld.so.cache1.1"
	headerSize     = 48
	entrySize      = 24
	extensionMagic = 0xeaa42174
	littleEndian   = 2 // cache_file_new_flags_endian_*
	bigEndian      = 3
)

// Write returns the cache. The entries come in any order but for those of one
// name and kind, of which the dynamic linker takes the first. generator names the
// tool that wrote the file, see Generator.
func Write(entries []Entry, generator string, order binary.ByteOrder) []byte {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, compareEntries)
	table, offset := stringTable(sorted)
	base := uint32(headerSize + entrySize*len(sorted))
	end := base + uint32(len(table))
	extensions := (end + 3) &^ 3

	b := []byte(magic)
	put := func(numbers ...uint32) {
		for _, n := range numbers {
			b = append(b, 0, 0, 0, 0)
			order.PutUint32(b[len(b)-4:], n)
		}
	}
	put(uint32(len(sorted)), uint32(len(table)))
	b = append(b, endianness(order), 0, 0, 0)
	put(extensions, 0, 0, 0)
	for _, e := range sorted {
		put(e.Flags, base+offset[e.Name], base+offset[e.Path], 0, 0, 0)
	}
	b = append(b, table...)
	b = append(b, make([]byte, extensions-end)...)
	put(extensionMagic, 1)
	put(0, 0, extensions+8+16, uint32(len(generator))) // tag 0: the generator
	return append(b, generator...)
}

func endianness(order binary.ByteOrder) byte {
	if order == binary.ByteOrder(binary.BigEndian) {
		return bigEndian
	}
	return littleEndian
}

// Generator returns what Debian's ldconfig writes as its own name, for a version
// of the package libc-bin such as "2.41-12".
func Generator(version string) string {
	upstream, _, _ := strings.Cut(version, "-")
	return fmt.Sprintf("ldconfig (Debian GLIBC %s) stable release version %s", version, upstream)
}

// compareEntries orders as the dynamic linker's binary search needs it: names
// from high to low, then flags from high to low.
func compareEntries(a, b Entry) int {
	if c := Compare(b.Name, a.Name); c != 0 {
		return c
	}
	switch {
	case a.Flags < b.Flags:
		return 1
	case a.Flags > b.Flags:
		return -1
	}
	return 0
}

// Compare orders names of libraries as _dl_cache_libcmp does: runs of digits
// count as numbers, and come after anything else.
func Compare(a, b string) int {
	for i, j := 0, 0; ; {
		if i == len(a) || j == len(b) {
			return (len(a) - i) - (len(b) - j)
		}
		switch da, db := isDigit(a[i]), isDigit(b[j]); {
		case da && db:
			x, y := digits(a[i:]), digits(b[j:])
			if c := compareNumbers(x, y); c != 0 {
				return c
			}
			i, j = i+len(x), j+len(y)
		case da:
			return 1
		case db:
			return -1
		case a[i] != b[j]:
			return int(a[i]) - int(b[j])
		default:
			i, j = i+1, j+1
		}
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func digits(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// stringTable joins all names and paths, longest first of those with one ending,
// so that a name costs nothing where a path ends with it.
func stringTable(entries []Entry) ([]byte, map[string]uint32) {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name, e.Path)
	}
	slices.SortFunc(all, compareTails)
	all = slices.Compact(all)
	var table []byte
	offset := map[string]uint32{}
	for i, s := range all {
		if i > 0 && strings.HasSuffix(all[i-1], s) {
			offset[s] = offset[all[i-1]] + uint32(len(all[i-1])-len(s))
			continue
		}
		offset[s] = uint32(len(table))
		table = append(append(table, s...), 0)
	}
	return table, offset
}

// compareTails orders by the strings' ends, from high to low, a longer string
// before its own ending.
func compareTails(a, b string) int {
	for i := 1; i <= min(len(a), len(b)); i++ {
		if x, y := a[len(a)-i], b[len(b)-i]; x != y {
			return int(y) - int(x)
		}
	}
	return len(b) - len(a)
}
