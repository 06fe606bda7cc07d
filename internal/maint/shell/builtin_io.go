package shell

import (
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"kiln/internal/maint/command"
)

// echo is dash's, which knows -n and interprets escapes, or bash's.
func (p *process) echo(args []string, _ bool) int {
	args = args[1:]
	newline, escapes := true, !p.bash
	for len(args) > 0 && p.isEchoOption(args[0]) {
		for _, c := range args[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		args = args[1:]
		if !p.bash {
			break
		}
	}
	text := strings.Join(args, " ")
	if escapes {
		var stop bool
		if text, stop = command.Unescape(text); stop {
			newline = false
		}
	}
	if newline {
		text += "\n"
	}
	if _, err := io.WriteString(p.stdout(), text); err != nil {
		return 1
	}
	return 0
}

func (p *process) isEchoOption(arg string) bool {
	if !p.bash {
		return arg == "-n"
	}
	return len(arg) > 1 && arg[0] == '-' && strings.Trim(arg[1:], "neE") == ""
}

// read reads a line, byte by byte, so that what follows is left for others.
func (p *process) read(args []string, _ bool) int {
	raw := false
	args = args[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		switch args[0] {
		case "-r":
			raw = true
		case "-p":
			args = args[1:]
		case "-s":
		case "--":
		default:
			p.job.stop(p.job.cannot("it calls read with the unknown option %q", args[0]))
			return fault
		}
		if len(args) == 0 {
			break
		}
		args = args[1:]
	}
	line, ended, err := p.readLine(raw)
	if err != nil {
		return p.wrong(false, "read: %v", err)
	}
	if len(args) == 0 {
		if !p.bash {
			return p.wrong(false, "read: arg count")
		}
		args = []string{"REPLY"}
	}
	values := expand.ReadFields(p.config, line, len(args), raw)
	for i, name := range args {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		if !syntax.ValidName(name) {
			return p.wrong(false, "read: %s: bad variable name", name)
		}
		if !p.set(name, value) {
			return fault
		}
	}
	if ended {
		return 1
	}
	return 0
}

func (p *process) readLine(raw bool) (line string, ended bool, err error) {
	var b []byte
	var one [1]byte
	escaped := false
	in := p.stdin()
	for p.job.weigh(int64(len(b))) {
		n, err := in.Read(one[:])
		if n == 0 {
			if err == nil {
				continue
			}
			if err == io.EOF {
				return string(b), true, nil
			}
			return "", true, err
		}
		switch c := one[0]; {
		case escaped && c == '\n':
			b = b[:len(b)-1]
			escaped = false
		case c == '\n':
			return string(b), false, nil
		case c == 0:
		default:
			escaped = !raw && !escaped && c == '\\'
			b = append(b, c)
		}
	}
	return "", true, fmt.Errorf("line too long")
}
