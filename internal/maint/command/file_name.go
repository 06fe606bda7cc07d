package command

import (
	"context"
	"strings"
)

// Basename is basename(1).
func Basename(_ context.Context, c *Call) (int, error) {
	o, err := parseLeading(c, "multiple,a suffix,s= zero,z")
	if err != nil {
		return 0, err
	}
	names, suffix := o.rest, o.value("suffix", "")
	if len(names) == 0 {
		return complain(c, 1, "missing operand")
	}
	if !o.has("multiple") && !o.has("suffix") {
		if len(names) > 2 {
			return complain(c, 1, "extra operand '%s'", names[2])
		}
		if len(names) == 2 {
			suffix = names[1]
		}
		names = names[:1]
	}
	var out output
	for _, n := range names {
		b := baseName(n)
		if b != suffix {
			b = strings.TrimSuffix(b, suffix)
		}
		out.WriteString(b + ending(o))
	}
	return out.flush(c, 0)
}

func ending(o options) string {
	if o.has("zero") {
		return "\x00"
	}
	return "\n"
}

// Dirname is dirname(1).
func Dirname(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "zero,z")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 0 {
		return complain(c, 1, "missing operand")
	}
	var out output
	for _, n := range o.rest {
		out.WriteString(dirName(n) + ending(o))
	}
	return out.flush(c, 0)
}
