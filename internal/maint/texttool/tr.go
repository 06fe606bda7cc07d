package texttool

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// Tr is tr(1), over bytes, as GNU's is.
func Tr(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("complement,c C delete,d squeeze-repeats,s truncate-set1,t")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 || len(o.Rest) > 2 {
		return c.Complain(1, "missing operand")
	}
	t := translator{remove: o.Has("delete"), squeeze: o.Has("squeeze-repeats")}
	complement := o.Has("complement") || o.Has("C")
	first, err := trSet(o.Rest[0], 0)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	if complement {
		first = complementOf(first)
	}
	var second []byte
	if len(o.Rest) == 2 {
		if second, err = trSet(o.Rest[1], len(first)); err != nil {
			return c.Complain(1, "%v", err)
		}
	}
	t.prepare(first, second, len(o.Rest) == 2)
	in, err := io.ReadAll(c.Stdin)
	if err != nil {
		return c.Failed(1, "-", err)
	}
	if _, err := c.Stdout.Write(t.run(in)); err != nil {
		return 1, nil
	}
	return 0, nil
}

type translator struct {
	remove, squeeze bool
	to              [256]byte
	gone, repeats   [256]bool
}

func (t *translator) prepare(first, second []byte, two bool) {
	for i := range t.to {
		t.to[i] = byte(i)
	}
	if t.remove {
		for _, b := range first {
			t.gone[b] = true
		}
	} else if len(second) > 0 {
		for i, b := range first {
			t.to[b] = second[min(i, len(second)-1)]
		}
	}
	set := first
	if two {
		set = second
	}
	for _, b := range set {
		t.repeats[b] = t.squeeze
	}
}

func (t *translator) run(in []byte) []byte {
	var out []byte
	for _, b := range in {
		if t.gone[b] {
			continue
		}
		b = t.to[b]
		if t.repeats[b] && len(out) > 0 && out[len(out)-1] == b {
			continue
		}
		out = append(out, b)
	}
	return out
}

func complementOf(set []byte) []byte {
	var in [256]bool
	for _, b := range set {
		in[b] = true
	}
	var out []byte
	for i := range in {
		if !in[i] {
			out = append(out, byte(i))
		}
	}
	return out
}

// trSet expands ranges, classes, escapes and, up to length, repeats.
func trSet(spec string, length int) ([]byte, error) {
	var set []byte
	for len(spec) > 0 {
		if name, rest, ok := trClass(spec); ok {
			members := regex.ClassMembers(name)
			if members == nil {
				return nil, fmt.Errorf("invalid character class %q", name)
			}
			set, spec = append(set, members...), rest
			continue
		}
		if b, rest, ok := trRepeat(spec); ok {
			for len(set) < length {
				set = append(set, b)
			}
			spec = rest
			continue
		}
		from, rest := trChar(spec)
		if len(rest) > 1 && rest[0] == '-' {
			to, after := trChar(rest[1:])
			if to < from {
				return nil, fmt.Errorf("range-endpoints of '%c-%c' are in reverse collating sequence order", from, to)
			}
			for b := int(from); b <= int(to); b++ {
				set = append(set, byte(b))
			}
			spec = after
			continue
		}
		set, spec = append(set, from), rest
	}
	return set, nil
}

func trClass(spec string) (name, rest string, ok bool) {
	inner, found := strings.CutPrefix(spec, "[:")
	if !found {
		return "", "", false
	}
	return strings.Cut(inner, ":]")
}

// trRepeat reads [x*], which fills up.
func trRepeat(spec string) (byte, string, bool) {
	if len(spec) < 4 || spec[0] != '[' {
		return 0, "", false
	}
	b, rest := trChar(spec[1:])
	after, ok := strings.CutPrefix(rest, "*]")
	return b, after, ok
}

func trChar(spec string) (byte, string) {
	if spec[0] != '\\' || len(spec) == 1 {
		return spec[0], spec[1:]
	}
	if n, length := command.Octal(spec[1:], 3); length > 0 {
		return n, spec[1+length:]
	}
	text := command.Escaped(spec[1])
	return text[len(text)-1], spec[2:]
}
