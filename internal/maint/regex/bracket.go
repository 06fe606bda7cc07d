package regex

import (
	"fmt"
	"strconv"
	"strings"
)

// interval reads {n}, {n,}, {,m} and {n,m}.
func (t *regexTranslator) interval() error {
	end := "}"
	if !t.extended {
		end = `\}`
	}
	inner, rest, ok := strings.Cut(t.in[t.at:], end)
	low, high, open := strings.Cut(inner, ",")
	if low == "" && open {
		low = "0"
	}
	n, errLow := strconv.Atoi(low)
	m := n
	var errHigh error
	if high != "" {
		m, errHigh = strconv.Atoi(high)
	}
	if !ok || errLow != nil || errHigh != nil || n < 0 || m < n || t.atom < 0 {
		if t.extended { // GNU: then it is no interval
			t.put(`\{`)
			return nil
		}
		return fmt.Errorf("invalid interval in the regular expression %q", t.in)
	}
	t.at = len(t.in) - len(rest)
	op := "{" + low
	if open {
		op += "," + high
	}
	t.repeat(op + "}")
	return nil
}

// bracket reads [...], in which a backslash is nothing special, but for \n, \t and
// \] where GNU sed reads them so.
func (t *regexTranslator) bracket() error {
	s := t.in[t.at:]
	out := "["
	i := 0
	if strings.HasPrefix(s, "^") {
		out += "^"
		i++
	}
	for first := true; ; first = false {
		if i >= len(s) {
			return fmt.Errorf("unmatched [ in the regular expression %q", t.in)
		}
		c := s[i]
		if c == ']' && !first {
			break
		}
		if c == '[' && i+1 < len(s) && strings.IndexByte(":.=", s[i+1]) >= 0 {
			text, length, err := bracketClass(s[i:])
			if err != nil {
				return err
			}
			out += text
			i += length
			continue
		}
		if c == '\\' && i+1 < len(s) && strings.IndexByte("nt", s[i+1]) >= 0 {
			out += s[i : i+2]
			i += 2
			continue
		}
		if c == '-' && !first && i+1 < len(s) && s[i+1] != ']' {
			out += "-"
		} else {
			out += bracketByte(c)
		}
		i++
	}
	t.at += i + 1
	t.put(out + "]")
	return nil
}

func bracketByte(c byte) string {
	if strings.IndexByte(`\[]^-&~`, c) >= 0 {
		return `\` + string(rune(c))
	}
	return string([]byte{c})
}

// bracketClass reads [:name:], [.x.] or [=x=].
func bracketClass(s string) (string, int, error) {
	kind := s[1:2]
	inner, _, ok := strings.Cut(s[2:], kind+"]")
	if !ok {
		return "", 0, fmt.Errorf("unmatched [%s in a regular expression", kind)
	}
	length := len(inner) + 4
	if kind == ":" {
		if ClassMembers(inner) == nil {
			return "", 0, fmt.Errorf("unknown character class %q in a regular expression", inner)
		}
		return "[:" + inner + ":]", length, nil
	}
	if len(inner) != 1 {
		return "", 0, fmt.Errorf("unknown collating element %q in a regular expression", inner)
	}
	return bracketByte(inner[0]), length, nil
}
