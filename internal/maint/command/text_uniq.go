package command

import (
	"context"
	"fmt"
	"strings"
)

// Uniq is uniq(1).
func Uniq(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "count,c repeated,d unique,u ignore-case,i")
	if err != nil {
		return 0, err
	}
	if len(o.rest) > 1 {
		return 0, unhonoured(c, "an output file is not supported")
	}
	lines, status := c.linesOf(o.rest)
	var out output
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && (lines[n] == lines[0] || o.has("ignore-case") && strings.EqualFold(lines[n], lines[0])) {
			n++
		}
		if !(o.has("repeated") && n == 1 || o.has("unique") && n > 1) {
			if o.has("count") {
				fmt.Fprintf(&out, "%7d ", n)
			}
			out.line(lines[0])
		}
		lines = lines[n:]
	}
	return out.flush(c, status)
}

// Comm is comm(1).
func Comm(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "1 2 3 nocheck-order")
	if err != nil {
		return 0, err
	}
	if len(o.rest) != 2 {
		return complain(c, 1, "missing operand")
	}
	a, statusA := c.linesOf(o.rest[:1])
	b, statusB := c.linesOf(o.rest[1:])
	var out output
	show := func(column, line string) {
		if o.has(column) {
			return
		}
		for _, before := range []string{"1", "2"} {
			if before < column && !o.has(before) {
				out.WriteByte('\t')
			}
		}
		out.line(line)
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			show("1", a[0])
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			show("2", b[0])
			b = b[1:]
		default:
			show("3", a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out.flush(c, max(statusA, statusB))
}
