package regex

import (
	"fmt"
	"strconv"
	"strings"
)

// CompileAwk compiles an extended regular expression of awk: POSIX's (IEEE
// 1003.1-2017, 9.4, with awk's escapes, which count in brackets too) over bytes,
// without back-references, and as strict as mawk is about operands that are missing.
// One that is too large is ErrTooLarge.
func CompileAwk(pattern string) (*Automaton, error) {
	p := awkParser{in: pattern}
	var root *piece
	var err error
	if pattern == "" {
		root = &piece{}
	} else if root, err = p.alternatives(); err != nil {
		return nil, err
	}
	return compileAutomaton(pattern, root)
}

// piece is a part of an expression: a set of bytes, an anchor, or others.
type piece struct {
	op       pieceOp
	set      *byteSet
	subs     []*piece
	min, max int // of a repetition; max is -1 where there is no end
}

type pieceOp int

const (
	pieceSequence pieceOp = iota
	pieceAlternatives
	pieceRepeat
	pieceSet
	pieceBegin
	pieceEnd
)

// maxGroups bounds how deep groups may stand in each other.
const maxGroups = 500

type awkParser struct {
	in    string
	at    int
	depth int
}

func (p *awkParser) fail(why string) error {
	return fmt.Errorf("regular expression compile failed (%s): %s", why, p.in)
}

func (p *awkParser) more() bool { return p.at < len(p.in) }

func (p *awkParser) alternatives() (*piece, error) {
	all := &piece{op: pieceAlternatives}
	for {
		one, err := p.sequence()
		if err != nil {
			return nil, err
		}
		all.subs = append(all.subs, one)
		if !p.more() || p.in[p.at] != '|' {
			break
		}
		p.at++
	}
	if len(all.subs) == 1 {
		return all.subs[0], nil
	}
	return all, nil
}

func (p *awkParser) sequence() (*piece, error) {
	all := &piece{op: pieceSequence}
	for p.more() && p.in[p.at] != '|' && (p.in[p.at] != ')' || p.depth == 0) {
		one, err := p.atom()
		if err != nil {
			return nil, err
		}
		for p.more() {
			repeated, ok, err := p.repetition(one)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			one = repeated
		}
		all.subs = append(all.subs, one)
	}
	if len(all.subs) == 0 {
		return nil, p.fail("missing operand")
	}
	return all, nil
}

func (p *awkParser) repetition(one *piece) (*piece, bool, error) {
	low, high := 0, -1
	switch p.in[p.at] {
	case '*':
	case '+':
		low = 1
	case '?':
		high = 1
	case '{':
		inner, _, ok := strings.Cut(p.in[p.at+1:min(p.at+16, len(p.in))], "}")
		l, h, valid := interval(inner)
		if !ok || !valid {
			return nil, false, nil
		}
		if h >= 0 && h < l {
			return nil, false, p.fail("bad interval expression")
		}
		low, high = l, h
		p.at += len(inner) + 1
	default:
		return nil, false, nil
	}
	if one.op == pieceBegin {
		return nil, false, p.fail("a repetition of ^")
	}
	p.at++
	return &piece{op: pieceRepeat, subs: []*piece{one}, min: low, max: high}, true, nil
}

// interval reads n, n, and n,m and ,m. high is -1 where there is none.
func interval(s string) (low, high int, ok bool) {
	first, second, open := strings.Cut(s, ",")
	number := func(s string) bool { return s != "" && len(s) < 6 && strings.Trim(s, "0123456789") == "" }
	if first == "" && open && number(second) {
		first = "0"
	}
	if !number(first) || open && second != "" && !number(second) {
		return 0, 0, false
	}
	low, _ = strconv.Atoi(first)
	high = low
	if open {
		high = -1
		if second != "" {
			high, _ = strconv.Atoi(second)
		}
	}
	return low, high, true
}

func (p *awkParser) atom() (*piece, error) {
	c := p.in[p.at]
	p.at++
	switch c {
	case '(':
		if p.depth++; p.depth > maxGroups {
			return nil, ErrTooLarge
		}
		one, err := p.alternatives()
		if err != nil {
			return nil, err
		}
		if !p.more() {
			return nil, p.fail("missing ')'")
		}
		p.at++
		p.depth--
		return &piece{subs: []*piece{one}}, nil
	case '^':
		return &piece{op: pieceBegin}, nil
	case '$':
		return &piece{op: pieceEnd}, nil
	case '.':
		return &piece{op: pieceSet, set: new(byteSet).invert()}, nil
	case '[':
		set, err := p.bracket()
		return &piece{op: pieceSet, set: set}, err
	case '*', '+', '?':
		return nil, p.fail("missing operand")
	case '\\':
		if p.more() {
			c = p.escape()
		}
	}
	set := new(byteSet)
	set.add(c)
	return &piece{op: pieceSet, set: set}, nil
}

// escape reads what follows a backslash.
func (p *awkParser) escape() byte {
	c := p.in[p.at]
	if '0' <= c && c <= '7' {
		n := 0
		for i := 0; i < 3 && p.more() && '0' <= p.in[p.at] && p.in[p.at] <= '7'; i++ {
			n = n<<3 | int(p.in[p.at]-'0')
			p.at++
		}
		return byte(n)
	}
	p.at++
	if c == 'x' && p.more() && hexValue(p.in[p.at]) >= 0 {
		n := 0
		for i := 0; i < 2 && p.more() && hexValue(p.in[p.at]) >= 0; i++ {
			n = n<<4 | hexValue(p.in[p.at])
			p.at++
		}
		return byte(n)
	}
	if i := strings.IndexByte("abfnrtv", c); i >= 0 {
		return "\a\b\f\n\r\t\v"[i]
	}
	return c
}

// hexValue is the value of a hexadecimal digit, -1 for what is none.
func hexValue(c byte) int {
	if c < '0' {
		return -1
	}
	return strings.IndexByte("0123456789abcdef", c|0x20)
}

// bracket reads [...], whose [ was read.
func (p *awkParser) bracket() (*byteSet, error) {
	set := new(byteSet)
	negated := p.more() && p.in[p.at] == '^'
	if negated {
		p.at++
	}
	for first := true; ; first = false {
		if !p.more() {
			return nil, p.fail("missing ]")
		}
		if p.in[p.at] == ']' && !first {
			break
		}
		if err := p.member(set); err != nil {
			return nil, err
		}
	}
	p.at++
	if negated {
		set.invert()
	}
	return set, nil
}

// member reads one byte, range or class of a bracket.
func (p *awkParser) member(set *byteSet) error {
	rest := p.in[p.at:]
	if strings.HasPrefix(rest, "[:") {
		if name, _, ok := strings.Cut(rest[2:min(len(rest), 16)], ":]"); ok {
			members := ClassMembers(name)
			if members == nil {
				return p.fail("unknown character class " + name)
			}
			for _, c := range members {
				set.add(c)
			}
			p.at += len(name) + 4
			return nil
		}
	}
	low := p.memberByte()
	if rest = p.in[p.at:]; len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		set.add(low)
		return nil
	}
	p.at++
	high := p.memberByte()
	for c := int(low); c <= int(high); c++ {
		set.add(byte(c))
	}
	return nil
}

func (p *awkParser) memberByte() byte {
	c := p.in[p.at]
	p.at++
	if c == '\\' && p.more() {
		return p.escape()
	}
	return c
}
