package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// lineLimit bounds one line of input, in bytes.
const lineLimit = 64 << 20

// eachLine calls each with every line of r, without the newline. whole is false
// for a last line that has none.
func eachLine(r io.Reader, each func(line string, whole bool) error) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if len(line) > lineLimit {
			return fmt.Errorf("a line is longer than %d bytes", lineLimit)
		}
		if line != "" {
			text, whole := strings.CutSuffix(line, "\n")
			if err := each(text, whole); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// linesOf returns all lines of the files named.
func (c *Call) linesOf(names []string) (lines []string, status int) {
	status, _ = c.inputs(names, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) error {
			lines = append(lines, line)
			return nil
		})
	})
	return lines, status
}

// output collects what a command prints, and writes it at once.
type output struct{ strings.Builder }

func (o *output) line(text string) { o.WriteString(text); o.WriteByte('\n') }

// flush writes what was collected and returns the command's status.
func (o *output) flush(c *Call, status int) (int, error) {
	if _, err := io.WriteString(c.Stdout, o.String()); err != nil {
		return 1, nil
	}
	return status, nil
}

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
