package awk

import (
	"strings"

	"kiln/internal/maint/regex"
)

// substitute is sub and gsub.
func (in *interpreter) substitute(c *builtinCall) value {
	re := in.regexOf(c.args[0])
	with := in.text(in.eval(c.args[1]))
	in.spend(len(with))
	replacement := parseReplacement(with)
	target := place{field: 0}
	if len(c.args) == 3 {
		target = in.place(c.args[2])
	}
	s := in.text(in.load(target))
	result, n := in.replaced(re, s, replacement, c.name == "gsub")
	if n > 0 {
		in.store(target, text(result))
	}
	return number(float64(n))
}

// replaced replaces the first match or all of them. Each piece counts against the
// limit before it is appended.
func (in *interpreter) replaced(re *regex.Automaton, s string, with []string, all bool) (string, int) {
	var b strings.Builder
	add := func(piece string) {
		in.reserve(len(piece))
		b.WriteString(piece)
	}
	n, done := 0, 0 // matches, and how much of s is in b
	for at, last := 0, -1; at <= len(s); {
		in.step()
		m := in.find(re, s, at)
		if m.Start < 0 {
			break
		}
		if m.End == m.Start && m.Start == last { // an empty match right behind the last one does not count
			at++
			continue
		}
		n++
		add(s[done:m.Start])
		for i, literal := range with {
			if i > 0 {
				add(s[m.Start:m.End])
			}
			add(literal)
		}
		done, last, at = m.End, m.End, m.End
		if m.End == m.Start {
			at++
		}
		if !all {
			break
		}
	}
	if n == 0 {
		return s, 0
	}
	add(s[done:])
	return b.String(), n
}

// parseReplacement cuts a replacement at each & that stands for the match. \& is an &,
// and \\ before an & a backslash.
func parseReplacement(s string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], `\\&`):
			b.WriteByte('\\')
			i++
		case strings.HasPrefix(s[i:], `\&`):
			b.WriteByte('&')
			i++
		case s[i] == '&':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(parts, b.String())
}
