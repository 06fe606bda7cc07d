package sed

import (
	"fmt"
	"strings"

	"kiln/internal/maint/regex"
)

// sedAddress is a line number, "$", an expression, first~step, +n, or ~n.
type sedAddress struct {
	kind       byte // 'n', '$', '/', '~' (line and step), '+', 'm' (~n)
	line, step int
	regexp     regex.Expression // nil for the last expression used
}

func (p *sedParser) addresses(c *sedCommand) error {
	first, ok, err := p.address(false)
	if !ok || err != nil {
		return err
	}
	c.addresses = append(c.addresses, first)
	p.skip(" \t")
	if p.peek() != ',' {
		if first.kind == 'n' && first.line == 0 {
			return fmt.Errorf("invalid usage of line address 0")
		}
		return nil
	}
	p.at++
	p.skip(" \t")
	second, ok, err := p.address(true)
	if err == nil && !ok {
		err = fmt.Errorf("unexpected ,")
	}
	c.addresses = append(c.addresses, second)
	if err == nil && first.kind == 'n' && first.line == 0 {
		if second.kind != '/' {
			return fmt.Errorf("invalid usage of line address 0")
		}
		c.active = true
	}
	return err
}

func (p *sedParser) address(second bool) (a sedAddress, ok bool, err error) {
	switch c := p.peek(); {
	case regex.IsDigit(c):
		a.kind = 'n'
		if a.line, err = p.number(); err == nil && p.peek() == '~' {
			p.at++
			a.kind = '~'
			a.step, err = p.number()
		}
		return a, true, err
	case c == '$':
		p.at++
		return sedAddress{kind: '$'}, true, nil
	case second && (c == '+' || c == '~'):
		p.at++
		a.kind = c
		if c == '~' {
			a.kind = 'm'
		}
		a.line, err = p.number()
		return a, true, err
	case c == '/' || c == '\\' && p.at+1 < len(p.in):
		p.at++
		if c == '\\' {
			c = p.in[p.at]
			p.at++
		}
		a, err = p.expressionAddress(c)
		return a, true, err
	}
	return a, false, nil
}

func (p *sedParser) expressionAddress(delimiter byte) (sedAddress, error) {
	text, err := p.delimited(delimiter, true)
	if err != nil {
		return sedAddress{}, err
	}
	flags := "s"
	for p.peek() == 'I' || p.peek() == 'M' {
		flags += strings.ToLower(p.in[p.at : p.at+1])
		p.at++
	}
	a := sedAddress{kind: '/'}
	if text != "" {
		a.regexp, err = p.compile(text, flags)
	}
	return a, err
}
