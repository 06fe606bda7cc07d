package sed

import (
	"fmt"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// sedPart is a piece of a replacement: text, or a group, in a case.
type sedPart struct {
	text  string
	group int  // -1 for text
	turn  byte // 'U', 'L', 'E', 'u', 'l': a change of case from here on
}

func (p *sedParser) substitution(c *sedCommand) error {
	if p.at == len(p.in) || p.in[p.at] == '\n' || p.in[p.at] == '\\' {
		return fmt.Errorf("unterminated `s' command")
	}
	delimiter := p.in[p.at]
	p.at++
	pattern, err := p.delimited(delimiter, true)
	if err != nil {
		return fmt.Errorf("unterminated `s' command")
	}
	replacement, err := p.delimited(delimiter, false)
	if err != nil {
		return fmt.Errorf("unterminated `s' command")
	}
	flags, err := p.substitutionFlags(c)
	if err != nil {
		return err
	}
	c.empty = pattern == ""
	if !c.empty {
		if c.regexp, err = p.compile(pattern, flags); err != nil {
			return err
		}
	}
	c.parts, err = sedReplacement(replacement)
	if err != nil || c.empty {
		return err
	}
	for _, part := range c.parts {
		if part.group > c.regexp.NumSubexp() {
			return fmt.Errorf("invalid reference \\%d on `s' command's RHS", part.group)
		}
	}
	return nil
}

func (p *sedParser) substitutionFlags(c *sedCommand) (string, error) {
	flags := "s"
	for p.at < len(p.in) {
		f := p.in[p.at]
		switch {
		case f == 'g':
			c.global = true
		case f == 'p':
			c.print = true
		case f == 'I' || f == 'i':
			flags += "i"
		case f == 'M' || f == 'm':
			flags += "m"
		case f == 'w':
			p.at++
			p.skip(" \t")
			c.text = p.restOfLine()
			return flags, p.sed.openFile(c.text)
		case f == 'e':
			return "", fmt.Errorf("%w: the flag e, which runs commands, is not supported", errSedUnknown)
		case regex.IsDigit(f):
			n, err := p.number()
			if err != nil || n == 0 {
				return "", fmt.Errorf("number option to `s' command may not be zero")
			}
			c.number = n
			continue
		default:
			return flags, p.end()
		}
		p.at++
	}
	return flags, nil
}

// sedReplacement reads the right side of s.
func sedReplacement(text string) ([]sedPart, error) {
	var parts []sedPart
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			parts = append(parts, sedPart{text: b.String(), group: -1})
			b.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '&':
			flush()
			parts = append(parts, sedPart{group: 0})
		case c != '\\' || i+1 == len(text):
			b.WriteByte(c)
		default:
			i++
			switch c = text[i]; {
			case regex.IsDigit(c):
				flush()
				parts = append(parts, sedPart{group: int(c - '0')})
			case strings.IndexByte("ULEul", c) >= 0:
				flush()
				parts = append(parts, sedPart{group: -1, turn: c})
			case strings.IndexByte("ntrfvab", c) >= 0 && c != 'b':
				b.WriteString(command.Escaped(c))
			default:
				b.WriteByte(c)
			}
		}
	}
	flush()
	return parts, nil
}

func (p *sedParser) transliteration(c *sedCommand) error {
	if p.at == len(p.in) {
		return errSedEnd
	}
	delimiter := p.in[p.at]
	p.at++
	from, err := p.delimited(delimiter, false)
	if err != nil {
		return fmt.Errorf("unterminated `y' command")
	}
	to, err := p.delimited(delimiter, false)
	if err != nil {
		return fmt.Errorf("unterminated `y' command")
	}
	a, b := sedUnescape(from), sedUnescape(to)
	if len(a) != len(b) {
		return fmt.Errorf("strings for `y' command are different lengths")
	}
	c.table = new([256]byte)
	for i := range c.table {
		c.table[i] = byte(i)
	}
	for i := range len(a) {
		c.table[a[i]] = b[i]
	}
	return p.end()
}

func sedUnescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if strings.IndexByte("ntr", s[i]) >= 0 {
				b.WriteString(command.Escaped(s[i]))
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
