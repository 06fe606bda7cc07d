package texttool

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/maint/awk"
	"kiln/internal/maint/command"
)

// Awk is awk(1), as mawk. Its files are the tree's. What goes beyond the limits of package
// awk, runs commands, or depends on the clock or on chance stops the build.
func Awk(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("field-separator,F= assign,v= file,f=")
	if err != nil {
		return 0, err
	}
	source, rest, err := awkSource(c, o)
	if err != nil {
		return awkFailure(c, err)
	}
	program, err := awk.Parse(source)
	if err != nil {
		return awkFailure(c, err)
	}
	options := awk.Options{
		Name: c.Name, Args: rest, Assign: o.Given["assign"],
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, Files: awkFiles{c}, ErrorText: command.ErrorText,
	}
	if o.Has("field-separator") {
		options.Assign = append([]string{"FS=" + o.Value("field-separator", "")}, options.Assign...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		options.Environ = append(options.Environ, name+"="+c.Env[name])
	}
	status, err := awk.Run(ctx, program, options)
	if err != nil {
		return awkFailure(c, err)
	}
	return status, nil
}

// awkFailure tells a fault of the program, as mawk reports it, from what stops the build.
func awkFailure(c *command.Call, err error) (int, error) {
	var limit *awk.LimitError
	var unsupported *awk.UnsupportedError
	var fatal *kiln.Error
	switch {
	case errors.As(err, &limit) || errors.As(err, &unsupported):
		return 0, c.Unhonoured("%v", err)
	case errors.As(err, &fatal) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return 0, err
	case command.IsBroken(err):
		return 2, nil
	}
	return c.Complain(2, "%v", err)
}

// awkSource returns the text of the program, and the arguments that are left.
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
		var fatal *kiln.Error
		if errors.As(err, &fatal) {
			return "", nil, err
		}
		if err != nil {
			return "", nil, errors.New("couldn't open file " + name + ": " + command.ErrorText(err))
		}
		all = append(all, string(b))
	}
	return strings.Join(all, "\n"), o.Rest, nil
}

// awkFiles are the files that a program names: the call's. What stops the build, and what is
// written to a pipe that nobody reads, ends the program.
type awkFiles struct{ call *command.Call }

func (f awkFiles) Open(name string) (io.ReadCloser, error) {
	r, err := f.call.Open(name)
	if err != nil {
		return nil, awkStop(err)
	}
	return awkReader{r}, nil
}

func (f awkFiles) Create(name string, appending bool) (io.WriteCloser, error) {
	w, err := f.call.Create(name, appending)
	return w, awkStop(err)
}

type awkReader struct{ io.ReadCloser }

func (r awkReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	return n, awkStop(err)
}

func awkStop(err error) error {
	var fatal *kiln.Error
	if errors.As(err, &fatal) {
		return &awk.StopError{Err: err}
	}
	return err
}
