// Package regex is POSIX regular expressions, basic and extended, with GNU's
// additions, over package regexp: leftmost-longest, and with back-references by a
// matcher of its own. Bytes are those of the C locale.
package regex

import (
	"fmt"
	"regexp"
	"strings"
)

// Compile compiles a POSIX regular expression, basic or extended, with GNU's
// additions, to one that matches leftmost-longest. flags are Go's.
func Compile(pattern string, extended bool, flags string) (Expression, error) {
	t := regexTranslator{in: pattern, extended: extended}
	if err := t.run(); err != nil {
		return nil, err
	}
	text := t.out.String()
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	if t.backwards {
		return NewBacktracker(text)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q: %w", pattern, err)
	}
	re.Longest()
	return re, nil
}

// regexTranslator rewrites a POSIX expression in Go's syntax.
type regexTranslator struct {
	in       string
	extended bool
	out      strings.Builder
	at       int
	groups   []int // where in out the open groups start
	atom     int   // where in out the last atom starts; -1 where there is none to repeat
	repeated bool  // the last atom has a repetition already
	closed   int   // groups that have ended

	backwards bool // there is a back-reference
}

func (t *regexTranslator) run() error {
	t.atom = -1
	for t.at < len(t.in) {
		if err := t.next(); err != nil {
			return err
		}
	}
	if len(t.groups) > 0 {
		return fmt.Errorf("unmatched ( in the regular expression %q", t.in)
	}
	return nil
}

// put appends an atom.
func (t *regexTranslator) put(s string) {
	t.atom, t.repeated = t.out.Len(), false
	t.out.WriteString(s)
}

func (t *regexTranslator) next() error {
	c := t.in[t.at]
	t.at++
	switch {
	case c == '\\':
		return t.escape()
	case c == '[':
		return t.bracket()
	case c == '.':
		t.put(".")
	case c == '*':
		t.repeat("*")
	case c == '^' && (t.extended || t.starts()):
		t.mark("^")
	case c == '$' && (t.extended || t.ends()):
		t.mark("$")
	case t.extended && strings.IndexByte("+?{(|)", c) >= 0:
		return t.special(c)
	default:
		t.put(regexp.QuoteMeta(string(c)))
		if c >= 0x80 { // a part of a longer character: take it whole
			t.widen()
		}
	}
	return nil
}

// widen replaces the byte just put by the whole UTF-8 sequence it begins.
func (t *regexTranslator) widen() {
	start := t.at - 1
	for t.at < len(t.in) && t.in[t.at]&0xC0 == 0x80 {
		t.at++
	}
	text := t.out.String()[:t.atom]
	t.out.Reset()
	t.out.WriteString(text)
	t.put(regexp.QuoteMeta(t.in[start:t.at]))
}

// mark appends an anchor, which cannot be repeated.
func (t *regexTranslator) mark(s string) {
	t.out.WriteString(s)
	t.atom = -1
}

// starts reports whether the "^" just read is an anchor of a basic expression.
func (t *regexTranslator) starts() bool {
	before := t.in[:t.at-1]
	return before == "" || strings.HasSuffix(before, `\(`) || strings.HasSuffix(before, `\|`) || strings.HasSuffix(before, "\n")
}

// ends reports whether the "$" just read is an anchor of a basic expression.
func (t *regexTranslator) ends() bool {
	after := t.in[t.at:]
	return after == "" || strings.HasPrefix(after, `\)`) || strings.HasPrefix(after, `\|`) || strings.HasPrefix(after, "\n")
}

// repeat applies a repetition to the last atom. Where there is none, "*" stands
// for itself, as POSIX has it for the start of a basic expression.
func (t *regexTranslator) repeat(op string) {
	if t.atom < 0 {
		t.put(regexp.QuoteMeta(op[:1]))
		return
	}
	if t.repeated {
		all := t.out.String()
		t.out.Reset()
		t.out.WriteString(all[:t.atom] + "(?:" + all[t.atom:] + ")")
	}
	t.out.WriteString(op)
	t.repeated = true
}

func (t *regexTranslator) escape() error {
	if t.at == len(t.in) {
		return fmt.Errorf("trailing backslash in the regular expression %q", t.in)
	}
	c := t.in[t.at]
	t.at++
	switch {
	case !t.extended && strings.IndexByte("(){|+?", c) >= 0:
		return t.special(c)
	case '1' <= c && c <= '9':
		if int(c-'0') > t.closed {
			return fmt.Errorf("invalid back reference in the regular expression %q", t.in)
		}
		t.backwards = true
		t.put(string(rune(backReference + int(c-'0'))))
	case strings.IndexByte("wWsS", c) >= 0:
		t.put(map[byte]string{'w': `[0-9A-Za-z_]`, 'W': `[^0-9A-Za-z_]`, 's': `[\t-\r ]`, 'S': `[^\t-\r ]`}[c])
	case c == '<' || c == '>' || c == 'b':
		t.mark(`\b`)
	case c == 'B':
		t.mark(`\B`)
	case c == '`':
		t.mark(`\A`)
	case c == '\'':
		t.mark(`\z`)
	case strings.IndexByte("ntrfv", c) >= 0:
		t.put(`\` + string(rune(c)))
	default:
		t.put(regexp.QuoteMeta(string(rune(c))))
	}
	return nil
}

func (t *regexTranslator) special(c byte) error {
	switch c {
	case '(':
		t.groups = append(t.groups, t.out.Len())
		t.mark("(")
	case ')':
		if len(t.groups) == 0 {
			if t.extended {
				t.put(`\)`)
				return nil
			}
			return fmt.Errorf("unmatched ) in the regular expression %q", t.in)
		}
		t.out.WriteByte(')')
		t.closed++
		t.atom, t.repeated = t.groups[len(t.groups)-1], false
		t.groups = t.groups[:len(t.groups)-1]
	case '|':
		t.mark("|")
	case '+', '?':
		t.repeat(string(rune(c)))
	case '{':
		return t.interval()
	default:
		t.put(regexp.QuoteMeta(string(rune(c))))
	}
	return nil
}
