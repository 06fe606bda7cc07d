package command

import "strings"

// Unescape interprets the escapes of dash's echo and of printf's %b (POSIX, echo):
// \0nnn is octal, \c ends all output, which stop reports.
func Unescape(s string) (text string, stop bool) {
	if !strings.Contains(s, `\`) {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'c':
			return b.String(), true
		case c == '0':
			n, length := Octal(s[i+1:], 3)
			b.WriteByte(n)
			i += length
		case '1' <= c && c <= '7':
			n, length := Octal(s[i:], 3)
			b.WriteByte(n)
			i += length - 1
		default:
			b.WriteString(Escaped(c))
		}
	}
	return b.String(), false
}

// Escaped returns what a backslash and c stand for, or both as they are.
func Escaped(c byte) string {
	if i := strings.IndexByte(`abfnrtv\`, c); i >= 0 {
		return "\a\b\f\n\r\t\v\\"[i : i+1]
	}
	return `\` + string(rune(c))
}

// Octal reads at most n octal digits.
func Octal(s string, n int) (value byte, length int) {
	for length < n && length < len(s) && '0' <= s[length] && s[length] <= '7' {
		value = value<<3 | (s[length] - '0')
		length++
	}
	return value, length
}
