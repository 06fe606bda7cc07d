package sed

import (
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/regex"
)

func (p *sedParser) restOfLine() string {
	text, _, _ := strings.Cut(p.in[p.at:], "\n")
	p.at += len(text)
	return text
}

// label reads a label, which white space or a semicolon ends, as with GNU sed.
func (p *sedParser) label(name byte) string {
	p.skip(" \t")
	start := p.at
	for p.at < len(p.in) && strings.IndexByte("\n\t ;", p.in[p.at]) < 0 && !(name != ':' && p.in[p.at] == '}') {
		p.at++
	}
	return p.in[start:p.at]
}

func (p *sedParser) fileArgument(c *sedCommand) error {
	switch {
	case c.text == "":
		return fmt.Errorf("missing filename in r/R/w/W commands")
	case c.name == 'R' || c.name == 'W':
		return fmt.Errorf("%w: the command %q is not known", errSedUnknown, c.name)
	case c.name == 'w':
		return p.sed.openFile(c.text)
	}
	return nil
}

func (p *sedParser) argument() (int, error) {
	p.skip(" \t")
	n, err := p.number()
	if err != nil {
		return 0, err
	}
	return n, p.end()
}

// number reads digits; without any it is 0.
func (p *sedParser) number() (int, error) {
	start := p.at
	for p.at < len(p.in) && regex.IsDigit(p.in[p.at]) {
		p.at++
	}
	if start == p.at {
		return 0, nil
	}
	return strconv.Atoi(p.in[start:p.at])
}

// textArgument reads the text of a, i and c: of the lines that follow as long as
// they end in a backslash, or, with GNU, of the rest of the line.
func (p *sedParser) textArgument() (string, error) {
	p.skip(" \t")
	if p.at == len(p.in) {
		return "", fmt.Errorf("expected \\ after a, c or i")
	}
	if p.in[p.at] == '\\' {
		p.at++
		from := p.at
		p.skip(" \t")
		if p.peek() == '\n' {
			p.at++
		} else {
			p.at = from // GNU: the blanks are text
		}
	}
	var b strings.Builder
	for p.at < len(p.in) && p.in[p.at] != '\n' {
		if p.in[p.at] == '\\' && p.at+1 < len(p.in) {
			p.at++
			if c := p.in[p.at]; c == 't' {
				b.WriteByte('\t')
				p.at++
				continue
			}
		}
		b.WriteByte(p.in[p.at])
		p.at++
	}
	return b.String(), nil
}

// delimited reads up to the delimiter. A backslash before the delimiter goes; in
// an expression a bracket hides it, and "\n" is a newline to both.
func (p *sedParser) delimited(delimiter byte, expression bool) (string, error) {
	var b strings.Builder
	bracket := false
	for ; p.at < len(p.in); p.at++ {
		c := p.in[p.at]
		switch {
		case c == '\\' && !bracket && p.at+1 < len(p.in):
			p.at++
			if p.in[p.at] != delimiter {
				b.WriteByte('\\')
			} else if expression && strings.IndexByte(`.*[]^$+?(){}|`, delimiter) >= 0 {
				b.WriteByte('\\') // it stays a character that stands for itself
			}
			b.WriteByte(p.in[p.at])
			continue
		case c == delimiter && !bracket:
			p.at++
			return b.String(), nil
		case c == '\n' && expression && !bracket:
			return "", fmt.Errorf("unterminated address regex")
		case expression && !bracket && c == '[':
			bracket = true
			p.copyBracketStart(&b)
			continue
		case bracket && c == '[' && p.at+1 < len(p.in) && strings.IndexByte(":.=", p.in[p.at+1]) >= 0:
			if end := strings.Index(p.in[p.at+2:], p.in[p.at+1:p.at+2]+"]"); end >= 0 {
				b.WriteString(p.in[p.at : p.at+end+4])
				p.at += end + 3
				continue
			}
		case bracket && c == ']':
			bracket = false
		}
		b.WriteByte(c)
	}
	return "", errSedEnd
}

// copyBracketStart copies "[", "[^", "[]" or "[^]".
func (p *sedParser) copyBracketStart(b *strings.Builder) {
	b.WriteByte('[')
	for _, c := range []byte("^]") {
		if p.at+1 < len(p.in) && p.in[p.at+1] == c {
			b.WriteByte(c)
			p.at++
		}
	}
}
