package texttool

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// Seq is seq(1) over integers.
func Seq(_ context.Context, c *command.Call) (int, error) {
	args, width, between := c.Args, 0, "\n"
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && len(args[0]) > 1 && !regex.IsDigit(args[0][1]) {
		switch {
		case args[0] == "-w" || args[0] == "--equal-width":
			width = 1
		case args[0] == "-s" && len(args) > 1:
			between, args = args[1], args[1:]
		case strings.HasPrefix(args[0], "-s"):
			between = args[0][2:]
		default:
			return 0, c.Unhonoured("the option %q is not known", args[0])
		}
		args = args[1:]
	}
	n := []int{1, 1, 1}
	for i, a := range args {
		v, err := strconv.Atoi(a)
		if err != nil || len(args) > 3 {
			return 0, c.Unhonoured("%q is no whole number", a)
		}
		switch {
		case len(args) == 3:
			n[i] = v
		case len(args) == 2 && i == 0:
			n[0] = v
		default:
			n[2] = v
		}
	}
	if len(args) == 0 || n[1] == 0 {
		return c.Complain(1, "missing operand, or an increment of zero")
	}
	if (n[2]-n[0])/n[1] > 1<<22 {
		return 0, c.Unhonoured("that many numbers are not supported")
	}
	if width > 0 {
		width = max(len(strconv.Itoa(n[0])), len(strconv.Itoa(n[2])))
	}
	var all []string
	for v := n[0]; n[1] > 0 && v <= n[2] || n[1] < 0 && v >= n[2]; v += n[1] {
		all = append(all, fmt.Sprintf("%0*d", width, v))
	}
	var out command.Output
	if len(all) > 0 {
		out.Line(strings.Join(all, between))
	}
	return out.Flush(c, 0)
}
