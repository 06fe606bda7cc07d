package machine

import (
	"regexp"
	"strings"
)

// escapes are the control sequences of terminals (ECMA-48, 5.4), and what firmware writes around them.
var escapes = regexp.MustCompile("\x1b(\\[[0-9;:?=]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)|[ -/]*[0-~])")

// plain is text without control characters but tab.
func plain(s string) string {
	s = escapes.ReplaceAllString(s, "")
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "?"))
}
