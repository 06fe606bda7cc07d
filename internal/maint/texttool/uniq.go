package texttool

import (
	"context"
	"fmt"
	"strings"

	"kiln/internal/maint/command"
)

// Uniq is uniq(1).
func Uniq(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("count,c repeated,d unique,u ignore-case,i")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) > 1 {
		return 0, c.Unhonoured("an output file is not supported")
	}
	lines, status := c.LinesOf(o.Rest)
	var out command.Output
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && (lines[n] == lines[0] || o.Has("ignore-case") && strings.EqualFold(lines[n], lines[0])) {
			n++
		}
		if !(o.Has("repeated") && n == 1 || o.Has("unique") && n > 1) {
			if o.Has("count") {
				fmt.Fprintf(&out, "%7d ", n)
			}
			out.Line(lines[0])
		}
		lines = lines[n:]
	}
	return out.Flush(c, status)
}

// Comm is comm(1).
func Comm(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("1 2 3 nocheck-order")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) != 2 {
		return c.Complain(1, "missing operand")
	}
	a, statusA := c.LinesOf(o.Rest[:1])
	b, statusB := c.LinesOf(o.Rest[1:])
	var out command.Output
	show := func(column, line string) {
		if o.Has(column) {
			return
		}
		for _, before := range []string{"1", "2"} {
			if before < column && !o.Has(before) {
				out.WriteByte('\t')
			}
		}
		out.Line(line)
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
	return out.Flush(c, max(statusA, statusB))
}
