package hosttool

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Xargs is xargs(1). What it calls runs one after another, whatever -P says.
func Xargs(ctx context.Context, c *command.Call) (int, error) {
	args := c.Args
	o, err := c.ParseArguments(args, "null,0 no-run-if-empty,r max-args,n= max-lines,L= replace,I= delimiter,d= max-procs,P= verbose,t exit,x arg-file,a= eof,E=", false)
	if err != nil {
		return 0, err
	}
	if o.Has("max-lines") || o.Has("arg-file") || o.Has("eof") {
		return 0, c.Unhonoured("the options -L, -a and -E are not known")
	}
	words, err := xargsWords(c, o)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	command := o.Rest
	if len(command) == 0 {
		command = []string{"echo"}
	}
	x := xargs{exec: func(args []string) (int, error) { return c.Exec(ctx, args, strings.NewReader(""), c.Stdout, c.Stderr) }}
	if o.Has("replace") {
		return x.replaced(command, words, o.Value("replace", ""))
	}
	size, err := strconv.Atoi(o.Value("max-args", "0"))
	if err != nil || size < 0 {
		return c.Complain(1, "invalid number for -n")
	}
	if len(words) == 0 && !o.Has("no-run-if-empty") {
		x.run(command)
	}
	for len(words) > 0 && x.err == nil && !x.stop {
		n := len(words)
		if size > 0 {
			n = min(n, size)
		}
		x.run(append(slices.Clone(command), words[:n]...))
		words = words[n:]
	}
	return x.status, x.err
}

type xargs struct {
	exec   func(args []string) (int, error)
	status int
	stop   bool
	err    error
}

func (x *xargs) run(args []string) {
	status, err := x.exec(args)
	x.err = err
	switch {
	case status == 0:
	case status == 255:
		x.status, x.stop = 124, true
	case status == 126 || status == 127:
		x.status, x.stop = status, true
	default:
		x.status = 123
	}
}

// replaced is -I: one call for each line.
func (x *xargs) replaced(command, lines []string, mark string) (int, error) {
	for _, line := range lines {
		var args []string
		for _, a := range command {
			args = append(args, strings.ReplaceAll(a, mark, line))
		}
		if x.run(args); x.stop || x.err != nil {
			break
		}
	}
	return x.status, x.err
}

func xargsWords(c *command.Call, o command.Options) ([]string, error) {
	b, err := io.ReadAll(c.Stdin)
	if err != nil {
		return nil, err
	}
	text := string(b)
	end := ""
	switch {
	case o.Has("null"):
		end = "\x00"
	case o.Has("delimiter"):
		end, _ = command.Unescape(o.Value("delimiter", ""))
	case o.Has("replace"):
		var lines []string
		for line := range strings.Lines(text) {
			if line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), " \t"); line != "" {
				lines = append(lines, line)
			}
		}
		return lines, nil
	default:
		return xargsSplit(text)
	}
	if text = strings.TrimSuffix(text, end); text == "" {
		return nil, nil
	}
	return strings.Split(text, end), nil
}

// xargsSplit splits at blanks; quotes and backslashes hide them.
func xargsSplit(text string) ([]string, error) {
	var words []string
	var b strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0 && c == '\n':
			return nil, strconv.ErrSyntax
		case quote != 0:
			b.WriteByte(c)
		case c == '\'' || c == '"':
			in, quote = true, c
		case c == '\\' && i+1 < len(text):
			i++
			in = true
			b.WriteByte(text[i])
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words = append(words, b.String())
				b.Reset()
				in = false
			}
		default:
			in = true
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return nil, strconv.ErrSyntax
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}
