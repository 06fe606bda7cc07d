package sed

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/regex"
)

// change is c: of a range, the text comes at its end only.
func (s *sed) change(c *sedCommand) error {
	if len(c.addresses) == 2 && c.active && !c.negated {
		return nil
	}
	_, err := io.WriteString(s.out, c.text+"\n")
	return err
}

// edit carries out the commands that neither read nor jump.
func (s *sed) edit(c *sedCommand) error {
	switch c.name {
	case 's':
		return s.substitute(c)
	case 'y':
		b := []byte(s.space)
		for i := range b {
			b[i] = c.table[b[i]]
		}
		s.space = string(b)
	case 'p':
		return s.print(s.space)
	case 'P':
		first, _, _ := strings.Cut(s.space, "\n")
		_, err := io.WriteString(s.out, first+s.end)
		return err
	case 'a':
		s.queue = append(s.queue, c.text+"\n")
	case 'i':
		_, err := io.WriteString(s.out, c.text+"\n")
		return err
	case 'r':
		if b, err := s.c.ReadAll(c.text); err == nil {
			s.queue = append(s.queue, string(b))
		}
	case 'w':
		_, err := io.WriteString(s.files[c.text], s.space+"\n")
		return err
	case '=':
		_, err := io.WriteString(s.out, strconv.Itoa(s.line)+"\n")
		return err
	case 'F':
		_, err := io.WriteString(s.out, s.in.name+"\n")
		return err
	case 'l':
		_, err := io.WriteString(s.out, sedVisible(s.space)+"$\n")
		return err
	case 'g':
		s.space = s.hold
	case 'G':
		s.space += "\n" + s.hold
	case 'h':
		s.hold = s.space
	case 'H':
		s.hold += "\n" + s.space
	case 'x':
		s.space, s.hold = s.hold, s.space
	case 'z':
		s.space = ""
	}
	return nil
}

func sedVisible(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch i := strings.IndexByte("\a\b\f\n\r\t\v\\", c); {
		case i >= 0:
			b.WriteString(`\` + `abfnrtv\`[i:i+1])
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (s *sed) substitute(c *sedCommand) error {
	re := s.expression(c.regexp)
	if re == nil {
		return fmt.Errorf("no previous regular expression")
	}
	text, done := sedReplace(re, s.space, c)
	if !done {
		return nil
	}
	s.space, s.replaced = text, true
	if c.print {
		if err := s.print(s.space); err != nil {
			return err
		}
	}
	if c.text != "" {
		_, err := io.WriteString(s.files[c.text], s.space+"\n")
		return err
	}
	return nil
}

// sedReplace replaces the matches that c asks for.
func sedReplace(re regex.Expression, text string, c *sedCommand) (string, bool) {
	var b strings.Builder
	at, count, done := 0, 0, false
	for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
		if count++; count < max(1, c.number) {
			continue
		}
		b.WriteString(text[at:m[0]])
		sedExpand(&b, text, m, c.parts)
		at, done = m[1], true
		if !c.global {
			break
		}
	}
	b.WriteString(text[at:])
	return b.String(), done
}

func sedExpand(b *strings.Builder, text string, m []int, parts []sedPart) {
	var all, one byte // changes of case: of all that follows, and of one character
	for _, p := range parts {
		piece := p.text
		switch {
		case p.turn == 'E':
			all, one = 0, 0
			continue
		case p.turn == 'U' || p.turn == 'L':
			all = p.turn
			continue
		case p.turn != 0:
			one = p.turn
			continue
		case p.group >= 0 && 2*p.group+1 < len(m) && m[2*p.group] >= 0:
			piece = text[m[2*p.group]:m[2*p.group+1]]
		}
		switch all {
		case 'U':
			piece = strings.ToUpper(piece)
		case 'L':
			piece = strings.ToLower(piece)
		}
		if one != 0 && piece != "" {
			first := strings.ToUpper(piece[:1])
			if one == 'l' {
				first = strings.ToLower(piece[:1])
			}
			piece, one = first+piece[1:], 0
		}
		b.WriteString(piece)
	}
}
