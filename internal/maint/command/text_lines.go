package command

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Cat is cat(1), with -n.
func Cat(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "number,n unbuffered,u")
	if err != nil {
		return 0, err
	}
	n := 0
	return c.inputs(o.rest, func(_ string, r io.Reader) error {
		if !o.has("number") {
			_, err := io.Copy(c.Stdout, r)
			return err
		}
		return eachLine(r, func(line string, whole bool) error {
			n++
			end := "\n"
			if !whole {
				end = ""
			}
			_, err := fmt.Fprintf(c.Stdout, "%6d\t%s%s", n, line, end)
			return err
		})
	})
}

// Tac is tac(1) without options.
func Tac(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "")
	if err != nil {
		return 0, err
	}
	lines, status := c.linesOf(o.rest)
	slices.Reverse(lines)
	var out output
	for _, l := range lines {
		out.line(l)
	}
	return out.flush(c, status)
}

// Tee is tee(1).
func Tee(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "append,a ignore-interrupts,i")
	if err != nil {
		return 0, err
	}
	to := []io.Writer{c.Stdout}
	status := 0
	for _, name := range o.rest {
		w, err := c.create(name, o.has("append"))
		if err != nil {
			status, _ = c.failed(1, name, err)
			continue
		}
		defer w.Close()
		to = append(to, w)
	}
	if _, err := io.Copy(io.MultiWriter(to...), c.Stdin); err != nil {
		status = 1
	}
	return status, nil
}
