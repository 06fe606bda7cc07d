package texttool

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// obsolete turns the old form of the first argument, "-5", into "-n5".
func obsolete(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && regex.IsDigit(args[0][1]) {
		return append([]string{"-n" + args[0][1:]}, args[1:]...)
	}
	return args
}

// amount reads a count such as "5", "+5" or "1k".
func amount(text string) (sign byte, n int, err error) {
	if text != "" && (text[0] == '+' || text[0] == '-') {
		sign, text = text[0], text[1:]
	}
	unit := 1
	if digits, ok := strings.CutSuffix(text, "k"); ok {
		text, unit = digits, 1024
	}
	n, err = strconv.Atoi(text)
	if err == nil && (n < 0 || n > 1<<40) {
		err = strconv.ErrRange
	}
	return sign, n * unit, err
}

var errEnough = errors.New("enough")

// Head is head(1).
func Head(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseArguments(obsolete(c.Args), "lines,n= bytes,c= quiet,silent,q verbose,v", true)
	if err != nil {
		return 0, err
	}
	sign, n, err := amount(o.Value("bytes", o.Value("lines", "10")))
	if err != nil || sign == '+' {
		return c.Complain(1, "invalid number")
	}
	first := true
	return c.Inputs(o.Rest, func(name string, r io.Reader) error {
		if err := heading(c, o, name, &first); err != nil {
			return err
		}
		switch {
		case o.Has("bytes") && sign == 0:
			_, err := io.CopyN(c.Stdout, r, int64(n))
			if err == io.EOF {
				err = nil
			}
			return err
		case o.Has("bytes"):
			b, err := io.ReadAll(r)
			if err == nil {
				_, err = c.Stdout.Write(b[:max(0, len(b)-n)])
			}
			return err
		case sign == '-':
			return allBut(c.Stdout, r, n)
		}
		return firstLines(c.Stdout, r, n)
	})
}

// heading prints "==> name <==" where there is more than one file.
func heading(c *command.Call, o command.Options, name string, first *bool) error {
	if o.Has("quiet") || !o.Has("verbose") && len(o.Rest) < 2 {
		return nil
	}
	text := "==> " + name + " <==\n"
	if !*first {
		text = "\n" + text
	}
	*first = false
	_, err := io.WriteString(c.Stdout, text)
	return err
}

func firstLines(w io.Writer, r io.Reader, n int) error {
	if n == 0 {
		return nil
	}
	err := command.EachLine(r, func(line string, whole bool) error {
		if err := writeLine(w, line, whole); err != nil {
			return err
		}
		if n--; n == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func writeLine(w io.Writer, line string, whole bool) error {
	if whole {
		line += "\n"
	}
	_, err := io.WriteString(w, line)
	return err
}

// allBut prints all lines but the last n.
func allBut(w io.Writer, r io.Reader, n int) error {
	var held []string
	return command.EachLine(r, func(line string, whole bool) error {
		held = append(held, line)
		if len(held) <= n {
			return nil
		}
		line, held = held[0], held[1:]
		return writeLine(w, line, true)
	})
}

// Tail is tail(1). It never follows.
func Tail(_ context.Context, c *command.Call) (int, error) {
	args := obsolete(c.Args)
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '+' {
		args = append([]string{"-n" + args[0]}, args[1:]...)
	}
	o, err := c.ParseArguments(args, "lines,n= bytes,c= quiet,silent,q verbose,v", true)
	if err != nil {
		return 0, err
	}
	sign, n, err := amount(o.Value("bytes", o.Value("lines", "10")))
	if err != nil {
		return c.Complain(1, "invalid number")
	}
	first := true
	return c.Inputs(o.Rest, func(name string, r io.Reader) error {
		if err := heading(c, o, name, &first); err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		_, err = c.Stdout.Write(lastOf(b, o.Has("bytes"), sign == '+', n))
		return err
	})
}

// lastOf returns the last n bytes or lines of b, or with from, all from number n.
func lastOf(b []byte, inBytes, from bool, n int) []byte {
	if inBytes {
		if from {
			return b[min(len(b), max(0, n-1)):]
		}
		return b[max(0, len(b)-n):]
	}
	lines := strings.SplitAfter(string(b), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if from {
		return []byte(strings.Join(lines[min(len(lines), max(0, n-1)):], ""))
	}
	return []byte(strings.Join(lines[max(0, len(lines)-n):], ""))
}
