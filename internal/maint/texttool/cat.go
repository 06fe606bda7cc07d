// Package texttool is the commands that read text and print text: cat, head, sort,
// tr, grep, awk and the like, of coreutils, grep, mawk and diffutils; and those that
// make text of their arguments: echo, printf, expr, seq.
package texttool

import (
	"context"
	"fmt"
	"io"
	"slices"

	"kiln/internal/maint/command"
)

// Cat is cat(1), with -n.
func Cat(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("number,n unbuffered,u")
	if err != nil {
		return 0, err
	}
	n := 0
	return c.Inputs(o.Rest, func(_ string, r io.Reader) error {
		if !o.Has("number") {
			_, err := io.Copy(c.Stdout, r)
			return err
		}
		return command.EachLine(r, func(line string, whole bool) error {
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
func Tac(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("")
	if err != nil {
		return 0, err
	}
	lines, status := c.LinesOf(o.Rest)
	slices.Reverse(lines)
	var out command.Output
	for _, l := range lines {
		out.Line(l)
	}
	return out.Flush(c, status)
}

// Tee is tee(1).
func Tee(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("append,a ignore-interrupts,i")
	if err != nil {
		return 0, err
	}
	to := []io.Writer{c.Stdout}
	status := 0
	for _, name := range o.Rest {
		w, err := c.Create(name, o.Has("append"))
		if err != nil {
			status, _ = c.Failed(1, name, err)
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
