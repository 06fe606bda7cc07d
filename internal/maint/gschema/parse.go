package gschema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parse reads a value of a known type in GVariant's text format.
func parse(kind, text string) (value, error) {
	p := &parser{rest: text}
	v, err := p.value(kind)
	if err != nil {
		return value{}, err
	}
	if p.space(); p.rest != "" {
		return value{}, fmt.Errorf("there is something behind the value: %q", p.rest)
	}
	return v, nil
}

type parser struct{ rest string }

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\n\r\f\v") }

// take skips blanks and then token; it reports whether it was there.
func (p *parser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

// word returns the characters up to what cannot be in a word or number.
func (p *parser) word() string {
	p.space()
	n := strings.IndexFunc(p.rest, func(r rune) bool { return strings.ContainsRune(" \t\n\r\f\v,:()[]{}<>'\"@", r) })
	if n < 0 {
		n = len(p.rest)
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

// keywords are type names that may stand before a value.
var keywords = map[string]string{
	"boolean": "b", "byte": "y", "int16": "n", "uint16": "q", "int32": "i", "handle": "h", "uint32": "u",
	"int64": "x", "uint64": "t", "double": "d", "string": "s", "objectpath": "o", "signature": "g",
}

// stated reads a type that the text itself gives, as in "@as []" or "uint32 5";
// "" where it gives none.
func (p *parser) stated() string {
	if p.take("@") {
		kind, rest, ok := nextType(p.rest)
		if !ok {
			return "?"
		}
		p.rest = rest
		return kind
	}
	before := p.rest
	if kind, ok := keywords[p.word()]; ok {
		return kind
	}
	p.rest = before
	return ""
}

func (p *parser) value(kind string) (value, error) {
	if stated := p.stated(); stated != "" && stated != kind {
		return value{}, fmt.Errorf("a value of type %q where one of type %q is due", stated, kind)
	}
	switch kind[0] {
	case 'b':
		return p.boolean()
	case 's', 'o', 'g':
		s, err := p.quoted()
		return value{kind, s}, err
	case 'v':
		return p.variant()
	case 'a':
		return p.array(kind)
	case 'm':
		return p.maybe(kind)
	case '(':
		return p.tuple(kind)
	case '{':
		return p.entry(kind)
	}
	return p.number(kind)
}

func (p *parser) boolean() (value, error) {
	switch w := p.word(); w {
	case "true":
		return value{"b", true}, nil
	case "false":
		return value{"b", false}, nil
	default:
		return value{}, fmt.Errorf("%q is neither true nor false", w)
	}
}

func (p *parser) number(kind string) (value, error) {
	w := p.word()
	if kind == "d" {
		f, err := strconv.ParseFloat(w, 64)
		if err != nil || math.IsNaN(f) {
			if n, again := strconv.ParseInt(w, 0, 64); again == nil {
				return value{"d", float64(n)}, nil
			}
			return value{}, fmt.Errorf("%q is not a number", w)
		}
		return value{"d", f}, nil
	}
	if kind == "t" {
		n, err := strconv.ParseUint(w, 0, 64)
		if err != nil {
			return value{}, fmt.Errorf("%q is not a number of type t", w)
		}
		return value{"t", n}, nil
	}
	bits := map[byte][2]int64{
		'y': {0, 255}, 'n': {math.MinInt16, math.MaxInt16}, 'q': {0, math.MaxUint16}, 'i': {math.MinInt32, math.MaxInt32},
		'h': {math.MinInt32, math.MaxInt32}, 'u': {0, math.MaxUint32}, 'x': {math.MinInt64, math.MaxInt64},
	}[kind[0]]
	n, err := strconv.ParseInt(w, 0, 64)
	if err != nil || n < bits[0] || n > bits[1] || strings.Contains(w, "_") {
		return value{}, fmt.Errorf("%q is not a number of type %s", w, kind)
	}
	return value{kind, n}, nil
}

// quoted reads a string in single or double quotes, with C's escapes.
func (p *parser) quoted() (string, error) {
	p.space()
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", fmt.Errorf("a string is due, not %q", p.rest)
	}
	quote, text := p.rest[0], p.rest[1:]
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			p.rest = text[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(text):
			n, err := unescape(&b, text[i+1:])
			if err != nil {
				return "", err
			}
			i += n
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("the string %q has no end", p.rest)
}

// unescape writes what the escape at the start of text, behind the backslash,
// stands for, and returns its length.
func unescape(b *strings.Builder, text string) (int, error) {
	digits := map[byte]int{'u': 4, 'U': 8}[text[0]]
	if digits > 0 {
		if len(text) <= digits {
			return 0, fmt.Errorf("the escape \\%s is cut short", text)
		}
		n, err := strconv.ParseUint(text[1:1+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return 0, fmt.Errorf("\\%s is no character", text[:1+digits])
		}
		b.WriteRune(rune(n))
		return 1 + digits, nil
	}
	if plain, ok := map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}[text[0]]; ok {
		b.WriteByte(plain)
	} else if text[0] != '\n' {
		b.WriteByte(text[0])
	}
	return 1, nil
}

// list reads what stands between the tokens, comma after comma, by one.
func (p *parser) list(end string, one func() error) error {
	for first := true; !p.take(end); first = false {
		if !first && !p.take(",") {
			return fmt.Errorf("a comma or %q is due at %q", end, p.rest)
		}
		if !first && p.take(end) { // a comma may stand behind the last
			return nil
		}
		if p.rest == "" {
			return fmt.Errorf("%q is due at the end", end)
		}
		if err := one(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) array(kind string) (value, error) {
	v, element := []value{}, kind[1:]
	if element[0] == '{' && p.take("{") {
		kinds := members(element)
		err := p.list("}", func() error {
			e, err := p.pair(element, kinds, ":")
			v = append(v, e)
			return err
		})
		return value{kind, v}, err
	}
	if !p.take("[") {
		return value{}, fmt.Errorf("an array is due, not %q", p.rest)
	}
	err := p.list("]", func() error {
		e, err := p.value(element)
		v = append(v, e)
		return err
	})
	return value{kind, v}, err
}

func (p *parser) pair(kind string, kinds []string, between string) (value, error) {
	k, err := p.value(kinds[0])
	if err != nil {
		return value{}, err
	}
	if !p.take(between) {
		return value{}, fmt.Errorf("%q is due at %q", between, p.rest)
	}
	v, err := p.value(kinds[1])
	return value{kind, []value{k, v}}, err
}

func (p *parser) entry(kind string) (value, error) {
	if !p.take("{") {
		return value{}, fmt.Errorf("a dictionary entry is due, not %q", p.rest)
	}
	v, err := p.pair(kind, members(kind), ",")
	if err == nil && !p.take("}") {
		err = fmt.Errorf("the dictionary entry has no end: %q", p.rest)
	}
	return v, err
}

func (p *parser) maybe(kind string) (value, error) {
	before := p.rest
	switch p.word() {
	case "nothing":
		return value{kind, []value{}}, nil
	case "just":
	default:
		p.rest = before
	}
	v, err := p.value(kind[1:])
	return value{kind, []value{v}}, err
}

func (p *parser) tuple(kind string) (value, error) {
	if !p.take("(") {
		return value{}, fmt.Errorf("a tuple is due, not %q", p.rest)
	}
	v, kinds := []value{}, members(kind)
	err := p.list(")", func() error {
		if len(v) == len(kinds) {
			return fmt.Errorf("the tuple has more than %d members", len(kinds))
		}
		m, err := p.value(kinds[len(v)])
		v = append(v, m)
		return err
	})
	if err == nil && len(v) != len(kinds) {
		err = fmt.Errorf("the tuple has %d members, not %d", len(v), len(kinds))
	}
	return value{kind, v}, err
}

// variant reads a value whose type the text has to tell: one that states it, a
// string, a boolean, or a number, which is an int32 or a double.
func (p *parser) variant() (value, error) {
	if !p.take("<") {
		return value{}, fmt.Errorf("a variant is due, not %q", p.rest)
	}
	p.space()
	before := p.rest
	kind := p.stated()
	p.rest = before
	if kind == "" {
		kind = p.guess()
	}
	if kind == "" || kind == "?" {
		return value{}, fmt.Errorf("the type of %q is not told", p.rest)
	}
	v, err := p.value(kind)
	if err == nil && !p.take(">") {
		err = fmt.Errorf("the variant has no end: %q", p.rest)
	}
	return value{"v", v}, err
}

// guess is the type of the literal that comes; "" for what kiln does not guess.
func (p *parser) guess() string {
	if p.rest == "" {
		return ""
	}
	if p.rest[0] == '\'' || p.rest[0] == '"' {
		return "s"
	}
	before := p.rest
	w := p.word()
	p.rest = before
	if w == "true" || w == "false" {
		return "b"
	}
	if _, err := strconv.ParseInt(w, 0, 32); err == nil {
		return "i"
	}
	if _, err := strconv.ParseFloat(w, 64); err == nil {
		return "d"
	}
	return ""
}
