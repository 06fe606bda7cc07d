// Package sed is GNU sed over a tree.
package sed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kiln"
	"kiln/internal/maint/command"
)

// Sed is sed(1): all of POSIX, and of GNU's -i, -E, -r, -s, -z, 0,/re/, addr,+n,
// first~step, I and M flags, and one-line a, i and c.
func Sed(ctx context.Context, c *command.Call) (int, error) {
	s, files, err := parseSed(c)
	if err != nil {
		return sedError(c, err)
	}
	s.expired = ctx.Err
	if s.inPlace {
		return s.runInPlace(files)
	}
	if s.separate && len(files) > 1 {
		return 0, c.Unhonoured("-s without -i is not known")
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	status := 0
	s.out = c.Stdout
	err = s.run(&sedInput{c: c, names: files, end: s.end, status: &status})
	return s.finish(status, err)
}

// sedError tells a fault of the script from what kiln cannot do.
func sedError(c *command.Call, err error) (int, error) {
	var fatal *kiln.Error
	switch {
	case errors.Is(err, errSedUnknown):
		return 0, c.Unhonoured("%v", err)
	case errors.As(err, &fatal) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return 0, err
	}
	return c.Complain(1, "%v", err)
}

var errSedUnknown = errors.New("sed script")

func (s *sed) finish(status int, err error) (int, error) {
	for _, name := range s.fileNames {
		_ = s.files[name].Close()
	}
	switch {
	case errors.Is(err, errSedQuit):
		return s.status, nil
	case command.IsBroken(err):
		return 4, nil
	case err != nil:
		return sedError(s.c, err)
	}
	return status, nil
}

// parseSed reads the command line. -i and -E may hold their value, so it does not
// go through ParseOptions.
func parseSed(c *command.Call) (*sed, []string, error) {
	s := &sed{c: c, end: "\n", files: map[string]io.WriteCloser{}}
	var script, rest []string
	args := c.Args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			rest = append(rest, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		text, used, err := s.option(arg, args)
		if err != nil {
			return nil, nil, err
		}
		script = append(script, text...)
		args = args[used:]
	}
	if script == nil {
		if len(rest) == 0 {
			return nil, nil, fmt.Errorf("no script specified")
		}
		script, rest = rest[:1], rest[1:]
	}
	p := sedParser{in: strings.Join(script, "\n"), sed: s}
	var err error
	s.program, err = p.parse()
	return s, rest, err
}

// option reads one word of options and returns the script text in it and how many
// of the words that follow it used.
func (s *sed) option(arg string, next []string) (script []string, used int, err error) {
	if strings.HasPrefix(arg, "--") {
		return s.longOption(arg, next)
	}
	for i := 1; i < len(arg); i++ {
		switch arg[i] {
		case 'n':
			s.silent = true
		case 'E', 'r':
			s.extended = true
		case 's':
			s.separate = true
		case 'z':
			s.end = "\x00"
		case 'u':
		case 'i':
			s.inPlace, s.suffix = true, arg[i+1:]
			return script, used, nil
		case 'e', 'f':
			value := arg[i+1:]
			if value == "" {
				if len(next) == 0 {
					return nil, 0, fmt.Errorf("option requires an argument -- %q", arg[i])
				}
				value, used = next[0], 1
			}
			text, err := s.scriptOf(arg[i], value)
			return []string{text}, used, err
		default:
			return nil, 0, fmt.Errorf("%w: the option -%c is not known", errSedUnknown, arg[i])
		}
	}
	return script, used, nil
}

func (s *sed) scriptOf(option byte, value string) (string, error) {
	if option == 'e' {
		return value, nil
	}
	b, err := s.c.ReadAll(value)
	if err != nil {
		return "", fmt.Errorf("couldn't open file %s: %s", value, command.ErrorText(err))
	}
	return strings.TrimSuffix(string(b), "\n"), nil
}

func (s *sed) longOption(arg string, next []string) ([]string, int, error) {
	name, value, attached := strings.Cut(arg, "=")
	switch name {
	case "--quiet", "--silent":
		return s.option("-n", nil)
	case "--regexp-extended":
		return s.option("-E", nil)
	case "--separate":
		return s.option("-s", nil)
	case "--null-data":
		return s.option("-z", nil)
	case "--in-place":
		return s.option("-i"+value, nil)
	case "--unbuffered", "--posix":
		return nil, 0, nil
	case "--expression", "--file":
		short := "-" + name[2:3]
		if attached {
			return s.option(short, []string{value})
		}
		return s.option(short, next)
	}
	return nil, 0, fmt.Errorf("%w: the option %s is not known", errSedUnknown, name)
}
