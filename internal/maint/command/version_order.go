package command

import (
	"cmp"
	"regexp"
	"strings"
)

// fileSuffix is what the first look at a file name leaves out: ".tar.gz".
var fileSuffix = regexp.MustCompile(`(\.[A-Za-z~][A-Za-z0-9~]*)*$`)

// CompareFileVersions orders names as ls -v and sort -V do: gnulib's filevercmp.
func CompareFileVersions(a, b string) int {
	if a == b {
		return 0
	}
	for _, first := range []string{"", ".", ".."} {
		if a == first || b == first {
			return map[bool]int{true: -1, false: 1}[a == first]
		}
	}
	if dotA, dotB := a[0] == '.', b[0] == '.'; dotA != dotB {
		return map[bool]int{true: -1, false: 1}[dotA]
	}
	prefix := func(s string) string { return s[:1] + fileSuffix.ReplaceAllString(s[1:], "") }
	if n := compareVersionText(prefix(a), prefix(b)); n != 0 {
		return n
	}
	return compareVersionText(a, b)
}

// compareVersionText compares by turns what is no number, letters before all else
// and "~" before the end, and numbers.
func compareVersionText(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !digit(a[0]) || b != "" && !digit(b[0]) {
			if n := cmp.Compare(versionRank(a), versionRank(b)); n != 0 {
				return n
			}
			a, b = a[1:], b[1:]
		}
		i, j := 0, 0
		for i < len(a) && digit(a[i]) {
			i++
		}
		for j < len(b) && digit(b[j]) {
			j++
		}
		x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
		if n := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); n != 0 {
			return n
		}
		a, b = a[i:], b[j:]
	}
	return 0
}

// versionRank is the place of the first byte of what is left.
func versionRank(s string) int {
	switch {
	case s == "":
		return -1
	case digit(s[0]):
		return 0
	case s[0] == '~':
		return -2
	case s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
