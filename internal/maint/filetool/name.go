package filetool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// Basename is basename(1).
func Basename(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("multiple,a suffix,s= zero,z")
	if err != nil {
		return 0, err
	}
	names, suffix := o.Rest, o.Value("suffix", "")
	if len(names) == 0 {
		return c.Complain(1, "missing operand")
	}
	if !o.Has("multiple") && !o.Has("suffix") {
		if len(names) > 2 {
			return c.Complain(1, "extra operand '%s'", names[2])
		}
		if len(names) == 2 {
			suffix = names[1]
		}
		names = names[:1]
	}
	var out command.Output
	for _, n := range names {
		b := command.BaseName(n)
		if b != suffix {
			b = strings.TrimSuffix(b, suffix)
		}
		out.WriteString(b + ending(o))
	}
	return out.Flush(c, 0)
}

func ending(o command.Options) string {
	if o.Has("zero") {
		return "\x00"
	}
	return "\n"
}

// Dirname is dirname(1).
func Dirname(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("zero,z")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing operand")
	}
	var out command.Output
	for _, n := range o.Rest {
		out.WriteString(command.DirName(n) + ending(o))
	}
	return out.Flush(c, 0)
}
