package texttool

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/benhoyt/goawk/interp"
	"github.com/benhoyt/goawk/parser"

	"kiln/internal/maint/command"
)

// Awk is awk(1), by goawk: it runs no commands and opens no files by itself. Its
// input is read from the tree here.
func Awk(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("field-separator,F= assign,v= file,f=")
	if err != nil {
		return 0, err
	}
	source, rest, err := awkSource(c, o)
	if err != nil {
		return c.Complain(2, "%v", err)
	}
	// Each of these would bring in the clock, or needs what goawk may not have.
	if m := regexp.MustCompile(`\b(srand|systime|strftime|system|ARGV)\b`).FindString(source); m != "" {
		return 0, c.Unhonoured("an awk program that uses %s is not supported", m)
	}
	program, err := parser.ParseProgram([]byte(source), nil)
	if err != nil {
		return c.Complain(2, "%v", err)
	}
	config := &interp.Config{
		Stdin: c.Stdin, Output: c.Stdout, Error: c.Stderr, Argv0: c.Name, Environ: []string{},
		NoExec: true, NoFileReads: true, NoFileWrites: true,
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		config.Environ = append(config.Environ, name, c.Env[name])
	}
	if o.Has("field-separator") {
		config.Vars = append(config.Vars, "FS", awkSeparator(o.Value("field-separator", "")))
	}
	for _, v := range o.Given["assign"] {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return c.Complain(2, "-v %s is no assignment", v)
		}
		config.Vars = append(config.Vars, name, awkValue(value))
	}
	status, err := awkInput(c, config, source, rest)
	if status != 0 || err != nil {
		return status, err
	}
	in, err := interp.New(program)
	if err != nil {
		return 0, err
	}
	return awkStatus(ctx, c, in, config)
}

func awkStatus(ctx context.Context, c *command.Call, in *interp.Interpreter, config *interp.Config) (int, error) {
	status, err := in.ExecuteContext(ctx, config)
	switch {
	case err == nil:
		return status, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case command.IsBroken(err):
		return 2, nil
	case strings.Contains(err.Error(), "NoExec") || strings.Contains(err.Error(), "NoFile"):
		return 0, c.Unhonoured("%v", err)
	}
	return c.Complain(2, "%v", err)
}

func awkSource(c *command.Call, o command.Options) (string, []string, error) {
	if !o.Has("file") {
		if len(o.Rest) == 0 {
			return "", nil, errors.New("no program text")
		}
		return o.Rest[0], o.Rest[1:], nil
	}
	var all []string
	for _, name := range o.Given["file"] {
		b, err := c.ReadAll(name)
		if err != nil {
			return "", nil, errors.New(name + ": " + command.ErrorText(err))
		}
		all = append(all, string(b))
	}
	return strings.Join(all, "\n"), o.Rest, nil
}

// awkSeparator is -F: "t" is a tab, and escapes count.
func awkSeparator(s string) string {
	if s == "t" {
		return "\t"
	}
	return awkValue(s)
}

func awkValue(s string) string {
	text, _ := command.Unescape(s)
	return text
}

// awkInput joins the files named into the program's standard input, and takes
// assignments from among them.
func awkInput(c *command.Call, config *interp.Config, source string, rest []string) (int, error) {
	assignment := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	var all bytes.Buffer
	files := 0
	for _, a := range rest {
		if assignment.MatchString(a) {
			if files > 0 {
				return 0, c.Unhonoured("an assignment between files is not supported")
			}
			name, value, _ := strings.Cut(a, "=")
			config.Vars = append(config.Vars, name, awkValue(value))
			continue
		}
		b, err := c.ReadAll(a)
		if err != nil {
			return c.Complain(2, "cannot open \"%s\" (%s)", a, command.ErrorText(err))
		}
		files++
		all.Write(b)
		if len(b) > 0 && b[len(b)-1] != '\n' {
			all.WriteByte('\n')
		}
		config.Vars = append(config.Vars, "FILENAME", a)
	}
	if files > 1 && regexp.MustCompile(`\b(FNR|FILENAME|nextfile)\b`).MatchString(source) {
		return 0, c.Unhonoured("an awk program that tells files apart is not supported")
	}
	if files > 0 {
		config.Stdin = &all
	}
	return 0, nil
}
