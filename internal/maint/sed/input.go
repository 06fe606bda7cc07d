package sed

import (
	"errors"
	"strings"
	"syscall"

	"kiln/internal/maint/command"
)

// sedInput is the lines of several files in a row.
type sedInput struct {
	c      *command.Call
	names  []string
	end    string
	lines  []string
	whole  bool // the last of lines has its end
	status *int
	name   string
}

// fill opens files until there is a line.
func (in *sedInput) fill() {
	for len(in.lines) == 0 && len(in.names) > 0 {
		in.name = in.names[0]
		in.names = in.names[1:]
		data, err := in.c.ReadAll(in.name)
		switch {
		case errors.Is(err, syscall.EISDIR):
			*in.status, _ = in.c.Complain(2, "couldn't read %s: Is a directory", in.name)
			continue
		case err != nil:
			*in.status, _ = in.c.Complain(2, "can't read %s: %s", in.name, command.ErrorText(err))
			continue
		}
		if len(data) == 0 {
			continue
		}
		text, whole := strings.CutSuffix(string(data), in.end)
		in.lines, in.whole = strings.Split(text, in.end), whole
	}
}

// next returns the next line and whether it has its end.
func (in *sedInput) next() (line string, whole, ok bool) {
	in.fill()
	if len(in.lines) == 0 {
		return "", false, false
	}
	line = in.lines[0]
	in.lines = in.lines[1:]
	return line, in.whole || len(in.lines) > 0, true
}

// last reports whether there is no further line.
func (in *sedInput) last() bool {
	in.fill()
	return len(in.lines) == 0
}
