package texttool

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Printf is printf(1).
func Printf(_ context.Context, c *command.Call) (int, error) {
	args := c.Args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return c.Complain(2, "usage: printf format [arg ...]")
	}
	p := printfer{c: c, args: args[1:]}
	for {
		before := len(p.args)
		if err := p.once(args[0]); err != nil {
			return 0, err
		}
		if p.stop || len(p.args) == 0 || len(p.args) == before {
			break
		}
	}
	if _, err := io.WriteString(c.Stdout, p.out.String()); err != nil {
		return 1, nil
	}
	return p.status, nil
}

type printfer struct {
	c      *command.Call
	args   []string
	out    strings.Builder
	status int
	stop   bool // \c in %b
}

func (p *printfer) next() string {
	if len(p.args) == 0 {
		return ""
	}
	a := p.args[0]
	p.args = p.args[1:]
	return a
}

// once runs the format one time.
func (p *printfer) once(format string) error {
	for i := 0; i < len(format) && !p.stop; i++ {
		switch c := format[i]; {
		case c == '\\' && i+1 < len(format):
			i += p.escape(format[i+1:])
		case c == '%' && strings.HasPrefix(format[i+1:], "%"):
			p.out.WriteByte('%')
			i++
		case c == '%':
			length, err := p.directive(format[i+1:])
			if err != nil {
				return err
			}
			i += length
		default:
			p.out.WriteByte(c)
		}
	}
	return nil
}

// escape writes what a backslash and the start of s stand for and returns the
// number of bytes used. In a format, octal needs no leading 0.
func (p *printfer) escape(s string) int {
	switch c := s[0]; {
	case '0' <= c && c <= '7':
		n, length := command.Octal(s, 3)
		p.out.WriteByte(n)
		return length
	case c == '"' || c == '\'':
		p.out.WriteByte(c)
	default:
		p.out.WriteString(command.Escaped(c))
	}
	return 1
}

// maxWidth bounds a field's width and precision, in bytes.
const maxWidth = 1 << 16

// directive carries out a conversion; s starts behind its "%".
func (p *printfer) directive(s string) (int, error) {
	i := 0
	spec := "%"
	for ; i < len(s) && strings.IndexByte("-+ #0.123456789*", s[i]) >= 0; i++ {
		if s[i] == '*' {
			spec += p.next()
		} else {
			spec += s[i : i+1]
		}
	}
	if i == len(s) {
		return 0, p.c.Unhonoured("the format ends in a directive that is not complete")
	}
	for part := range strings.SplitSeq(strings.TrimLeft(spec, "%-+ #0"), ".") {
		if n, err := strconv.Atoi(part); part != "" && (err != nil || n > maxWidth) {
			return 0, p.c.Unhonoured("the width %q is none, or too large", part)
		}
	}
	switch verb := s[i]; verb {
	case 's':
		fmt.Fprintf(&p.out, spec+"s", byteString(p.next()))
	case 'b':
		text, stop := command.Unescape(p.next())
		fmt.Fprintf(&p.out, spec+"s", byteString(text))
		p.stop = stop
	case 'c':
		if a := p.next(); a != "" {
			fmt.Fprintf(&p.out, spec+"s", byteString(a[:1]))
		}
	case 'd', 'i':
		fmt.Fprintf(&p.out, spec+"d", p.number(p.next()))
	case 'u':
		fmt.Fprintf(&p.out, spec+"d", uint64(p.number(p.next())))
	case 'o', 'x', 'X':
		fmt.Fprintf(&p.out, spec+string(rune(verb)), uint64(p.number(p.next())))
	default:
		return 0, p.c.Unhonoured("the conversion %%%c is not known", verb)
	}
	return i + 1, nil
}

// byteString is a string whose width fmt counts in bytes, as printf(1) does.
type byteString string

// Format implements fmt.Formatter.
func (s byteString) Format(f fmt.State, _ rune) {
	text := string(s)
	if n, ok := f.Precision(); ok && n < len(text) {
		text = text[:n]
	}
	width, _ := f.Width()
	pad := strings.Repeat(" ", max(0, width-len(text)))
	if f.Flag('-') {
		text += pad
	} else {
		text = pad + text
	}
	_, _ = io.WriteString(f, text)
}

// number reads an argument as C would; after a quote, it is a character.
func (p *printfer) number(s string) int64 {
	switch {
	case s == "":
		return 0
	case s[0] == '"' || s[0] == '\'':
		if len(s) == 1 {
			return 0
		}
		return int64(s[1])
	}
	n, err := strconv.ParseInt(strings.TrimLeft(s, " "), 0, 64)
	if err != nil || strings.Contains(s, "_") {
		fmt.Fprintf(p.c.Stderr, "printf: %s: expected numeric value\n", s)
		p.status = 1
	}
	return n
}

// Echo is /bin/echo, GNU's: -n, -e and -E.
func Echo(_ context.Context, c *command.Call) (int, error) {
	args, newline, escapes := c.Args, true, false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		for _, o := range args[0][1:] {
			switch o {
			case 'n':
				newline = false
			default:
				escapes = o == 'e'
			}
		}
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		var stop bool
		text, stop = command.Unescape(text)
		newline = newline && !stop
	}
	if newline {
		text += "\n"
	}
	if _, err := io.WriteString(c.Stdout, text); err != nil {
		return 1, nil
	}
	return 0, nil
}
