package sed

import (
	"errors"
	"fmt"
	"strings"

	"kiln/internal/maint/regex"
)

// sedCommand is one command of a sed script.
type sedCommand struct {
	addresses []sedAddress
	negated   bool
	name      byte
	text      string // of a, i, c; the label of b, t, T and ":"; the file of r and w
	to        int    // of b, t and T: the command to go to. Of {: the one behind its }
	regexp    regex.Expression
	empty     bool // of s: the last expression used
	parts     []sedPart
	global    bool
	print     bool
	number    int // of s: which match; of q, Q and l, an argument
	table     *[256]byte
	active    bool // the range is on
	until     int  // line on which an active range ends; 0 if an expression decides
}

type sedParser struct {
	in     string
	at     int
	sed    *sed
	blocks []int
	all    []sedCommand
}

var errSedEnd = errors.New("unexpected end of the script")

func (p *sedParser) parse() ([]sedCommand, error) {
	for {
		p.skip(" \t\n;")
		if p.at == len(p.in) {
			break
		}
		if err := p.command(); err != nil {
			return nil, fmt.Errorf("-e expression, char %d: %w", p.at, err)
		}
	}
	if len(p.blocks) > 0 {
		return nil, fmt.Errorf("unmatched {")
	}
	return p.all, p.resolve()
}

func (p *sedParser) skip(set string) {
	for p.at < len(p.in) && strings.IndexByte(set, p.in[p.at]) >= 0 {
		p.at++
	}
}

func (p *sedParser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

// resolve finds the labels.
func (p *sedParser) resolve() error {
	labels := map[string]int{}
	for i, c := range p.all {
		if c.name == ':' {
			labels[c.text] = i
		}
	}
	for i := range p.all {
		c := &p.all[i]
		if strings.IndexByte("btT", c.name) < 0 {
			continue
		}
		to, ok := labels[c.text]
		if c.text == "" {
			to, ok = len(p.all), true
		}
		if !ok {
			return fmt.Errorf("can't find label for jump to %q", c.text)
		}
		c.to = to
	}
	return nil
}

func (p *sedParser) command() error {
	var c sedCommand
	if err := p.addresses(&c); err != nil {
		return err
	}
	p.skip(" \t")
	for p.peek() == '!' {
		c.negated = true
		p.at++
		p.skip(" \t")
	}
	if p.at == len(p.in) {
		return fmt.Errorf("missing command")
	}
	c.name = p.in[p.at]
	p.at++
	if err := p.body(&c); err != nil {
		return err
	}
	return nil
}

func (p *sedParser) body(c *sedCommand) error {
	var err error
	switch c.name {
	case '#':
		p.restOfLine()
		return nil
	case '{':
		p.blocks = append(p.blocks, len(p.all))
		p.all = append(p.all, *c)
		return nil
	case '}':
		if len(p.blocks) == 0 || len(c.addresses) > 0 {
			return fmt.Errorf("unexpected }")
		}
		p.all[p.blocks[len(p.blocks)-1]].to = len(p.all)
		p.blocks = p.blocks[:len(p.blocks)-1]
		return p.end()
	case 'a', 'i', 'c':
		c.text, err = p.textArgument()
	case ':', 'b', 't', 'T':
		c.text = p.label(c.name)
		if c.name == ':' && (c.text == "" || len(c.addresses) > 0) {
			err = fmt.Errorf("\":\" lacks a label, or has an address")
		}
	case 'r', 'w', 'R', 'W':
		p.skip(" \t")
		c.text = p.restOfLine()
		err = p.fileArgument(c)
	case 's':
		err = p.substitution(c)
	case 'y':
		err = p.transliteration(c)
	case 'q', 'Q', 'l', 'L':
		c.number, err = p.argument()
	case '=', 'd', 'D', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'z', 'F':
		err = p.end()
	default:
		err = fmt.Errorf("%w: the command %q is not known", errSedUnknown, c.name)
	}
	p.all = append(p.all, *c)
	return err
}

// end demands that nothing more stands behind a command.
func (p *sedParser) end() error {
	p.skip(" \t")
	switch p.peek() {
	case 0, ';', '\n', '}', '#':
		return nil
	}
	return fmt.Errorf("extra characters after command")
}

func (p *sedParser) compile(text, flags string) (regex.Expression, error) {
	return regex.Compile(text, p.sed.extended, flags)
}
