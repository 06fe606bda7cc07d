package regex

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Expression is a compiled regular expression: one of package regexp, or, with
// back-references, which that has not, a Backtracker.
type Expression interface {
	MatchString(text string) bool
	FindStringSubmatchIndex(text string) []int
	FindAllStringSubmatchIndex(text string, n int) [][]int
	NumSubexp() int
	String() string
}

// backReference is the character by which a translated expression refers to group
// n: one that Unicode leaves to private use.
const backReference = 0xF6B0

// Backtracker matches by trying. It finds the leftmost match and, among those, the
// longest, as POSIX wants.
type Backtracker struct {
	text   string // of the expression
	re     *syntax.Regexp
	groups int
	tried  int
}

// maxTries bounds what one expression tries in all. After that it matches nothing
// more, and Exhausted reports it.
const maxTries = 20_000_000

// NewBacktracker makes one of a translated expression.
func NewBacktracker(text string) (*Backtracker, error) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q: %w", text, err)
	}
	return &Backtracker{text: text, re: re, groups: re.MaxCap()}, nil
}

// Exhausted reports whether re has given up.
func Exhausted(re Expression) bool {
	b, ok := re.(*Backtracker)
	return ok && b.tried > maxTries
}

func (b *Backtracker) String() string { return b.text }
func (b *Backtracker) NumSubexp() int { return b.groups }

func (b *Backtracker) MatchString(text string) bool { return b.FindStringSubmatchIndex(text) != nil }

func (b *Backtracker) FindStringSubmatchIndex(text string) []int { return b.from(text, 0) }

func (b *Backtracker) FindAllStringSubmatchIndex(text string, n int) [][]int {
	var all [][]int
	for at, last := 0, -1; at <= len(text) && (n < 0 || len(all) < n); {
		m := b.from(text, at)
		if m == nil {
			break
		}
		if m[1] > m[0] || m[0] != last { // an empty match beside the last one does not count
			all = append(all, m)
		}
		last = m[1]
		at = m[1]
		if m[1] == m[0] {
			_, size := utf8.DecodeRuneInString(text[at:])
			at += max(1, size)
		}
	}
	return all
}

// from finds the first match that does not begin before start.
func (b *Backtracker) from(text string, start int) []int {
	for at := start; at <= len(text); at++ {
		m := attempt{b: b, text: text, groups: make([]int, 2*b.groups+2)}
		for i := range m.groups {
			m.groups[i] = -1
		}
		m.match(b.re, at, func(end int) bool {
			if m.best == nil || end > m.best[1] {
				m.best = slices.Clone(m.groups)
				m.best[0], m.best[1] = at, end
			}
			return end == len(text) // else look for a longer one
		})
		if m.best != nil {
			return m.best
		}
	}
	return nil
}

// attempt is a match from one place.
type attempt struct {
	b      *Backtracker
	text   string
	groups []int
	best   []int
}

// match matches re at a place and calls then for every place where that can end,
// until then returns true.
func (m *attempt) match(re *syntax.Regexp, at int, then func(int) bool) bool {
	if m.b.tried++; m.b.tried > maxTries {
		return true
	}
	switch re.Op {
	case syntax.OpLiteral:
		return m.literal(re, at, then)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		r, size := utf8.DecodeRuneInString(m.text[at:])
		return size > 0 && inClass(re, r) && then(at+size)
	case syntax.OpCapture:
		return m.capture(re, at, then)
	case syntax.OpStar:
		return m.repeat(re.Sub[0], 0, -1, at, then)
	case syntax.OpPlus:
		return m.repeat(re.Sub[0], 1, -1, at, then)
	case syntax.OpQuest:
		return m.repeat(re.Sub[0], 0, 1, at, then)
	case syntax.OpRepeat:
		return m.repeat(re.Sub[0], re.Min, re.Max, at, then)
	case syntax.OpConcat:
		return m.sequence(re.Sub, at, then)
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return m.match(sub, at, then) })
	case syntax.OpEmptyMatch:
		return then(at)
	}
	return m.holds(re.Op, at) && then(at)
}

func (m *attempt) sequence(subs []*syntax.Regexp, at int, then func(int) bool) bool {
	if len(subs) == 0 {
		return then(at)
	}
	return m.match(subs[0], at, func(end int) bool { return m.sequence(subs[1:], end, then) })
}

func (m *attempt) capture(re *syntax.Regexp, at int, then func(int) bool) bool {
	i := 2 * re.Cap
	oldFrom, oldTo := m.groups[i], m.groups[i+1]
	done := m.match(re.Sub[0], at, func(end int) bool {
		from, to := m.groups[i], m.groups[i+1]
		m.groups[i], m.groups[i+1] = at, end
		if then(end) {
			return true
		}
		m.groups[i], m.groups[i+1] = from, to
		return false
	})
	if !done {
		m.groups[i], m.groups[i+1] = oldFrom, oldTo
	}
	return done
}

// repeat tries as many times as it can first.
func (m *attempt) repeat(sub *syntax.Regexp, low, high, at int, then func(int) bool) bool {
	if high != 0 {
		more := m.match(sub, at, func(end int) bool {
			if end == at && low <= 0 {
				return false // nothing more would come of it
			}
			return m.repeat(sub, low-1, high-1, end, then)
		})
		if more {
			return true
		}
	}
	return low <= 0 && then(at)
}

func (m *attempt) literal(re *syntax.Regexp, at int, then func(int) bool) bool {
	fold := re.Flags&syntax.FoldCase != 0
	for _, want := range re.Rune {
		if n := int(want - backReference); n >= 1 && n <= 9 {
			if n > m.b.groups || m.groups[2*n] < 0 {
				return false
			}
			again := m.text[m.groups[2*n]:m.groups[2*n+1]]
			if rest := m.text[at:]; len(rest) < len(again) || rest[:len(again)] != again && !(fold && strings.EqualFold(rest[:len(again)], again)) {
				return false
			}
			at += len(again)
			continue
		}
		r, size := utf8.DecodeRuneInString(m.text[at:])
		if size == 0 || r != want && !(fold && unicode.ToLower(r) == unicode.ToLower(want)) {
			return false
		}
		at += size
	}
	return then(at)
}

func inClass(re *syntax.Regexp, r rune) bool {
	switch re.Op {
	case syntax.OpAnyChar:
		return true
	case syntax.OpAnyCharNotNL:
		return r != '\n'
	}
	for i := 0; i+1 < len(re.Rune); i += 2 {
		if re.Rune[i] <= r && r <= re.Rune[i+1] {
			return true
		}
	}
	return false
}

// holds reports whether an anchor holds at a place.
func (m *attempt) holds(op syntax.Op, at int) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(m.text) && (isAlpha(m.text[i]) || IsDigit(m.text[i]) || m.text[i] == '_')
	}
	switch op {
	case syntax.OpBeginText:
		return at == 0
	case syntax.OpEndText:
		return at == len(m.text)
	case syntax.OpBeginLine:
		return at == 0 || m.text[at-1] == '\n'
	case syntax.OpEndLine:
		return at == len(m.text) || m.text[at] == '\n'
	case syntax.OpWordBoundary:
		return word(at-1) != word(at)
	case syntax.OpNoWordBoundary:
		return word(at-1) == word(at)
	}
	return false
}
