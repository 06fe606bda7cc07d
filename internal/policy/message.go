package policy

import (
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// message is a text with expressions in braces; {{ and }} stand for themselves.
type message []piece

// piece is a text, or an expression whose value stands in its place.
type piece struct {
	text string
	expr *expression
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// text compiles a message; nil where there is none.
func (c *compiler) text(part, s string, in scope) message {
	if !c.Written(part) {
		return nil
	}
	if strings.TrimSpace(s) == "" {
		c.Refuse(part, "this text is empty", "", "")
		return nil
	}
	var m message
	var plain strings.Builder
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}"):
			plain.WriteByte(s[i])
			i += 2
		case s[i] == '}':
			c.RefuseInside(part, runes(s[:i]), 1, "a } without its {", "write }} for one in the text", "")
			return nil
		case s[i] == '{':
			n := closing(s[i+1:])
			if n < 0 {
				c.RefuseInside(part, runes(s[:i]), 1, "a { without its }", "write {{ for one in the text", "")
				return nil
			}
			if e, ok := c.expression(part, s[i+1:i+1+n], runes(s[:i+1]), in, nil); ok {
				m = append(m, piece{text: plain.String()}, piece{expr: e})
			}
			plain.Reset()
			i += n + 2
		default:
			plain.WriteByte(s[i])
			i++
		}
	}
	return append(m, piece{text: plain.String()})
}

// closing finds the brace that ends the expression that s begins with: braces of
// maps and inside of quotes are the expression's.
func closing(s string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return i
		}
	}
	return -1
}

// maxMessage bounds a message, in bytes: it may be made of anything in an image.
const maxMessage = 2000

// render puts the values in. What cannot be worked out says so in its place: a
// finding is not lost for it.
func (m message) render(a cel.Activation) string {
	var b strings.Builder
	for _, p := range m {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, _, err := p.expr.program.Eval(a)
		if err != nil {
			b.WriteString("(" + plain(err.Error()) + ")")
			continue
		}
		b.WriteString(shown(v))
	}
	if b.Len() > maxMessage {
		return strings.ToValidUTF8(b.String()[:maxMessage], "") + "…"
	}
	return b.String()
}

// shown is a value as a message has it.
func shown(v ref.Val) string {
	switch v := v.(type) {
	case types.String:
		return string(v)
	case object:
		return v.of.facts.Name
	case traits.Lister:
		var parts []string
		for it := v.Iterator(); it.HasNext() == types.True && len(parts) < 100; {
			parts = append(parts, shown(it.Next()))
		}
		return strings.Join(parts, ", ")
	}
	if s, ok := v.ConvertToType(types.StringType).(types.String); ok {
		return string(s)
	}
	return v.Type().TypeName()
}
