package shell

import (
	"context"
	"io"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// script runs the text of a script to its end, in p, which is a process of its own.
func (p *process) script(i interpreter, name string, source []byte, args []string) int {
	p.name, p.params = name, args
	for _, o := range i.options {
		if o == "--" {
			break
		}
		if !p.option(o) {
			p.job.stop(p.job.cannot("%q asks for the unknown shell option %q", name, o))
			return fault
		}
	}
	return p.text(string(source), name)
}

// text runs shell text to its end.
func (p *process) text(source, name string) int {
	file, err := p.parse(source, name)
	if err != nil {
		p.job.stop(p.job.cannot("it cannot be parsed: %v", err))
		return fault
	}
	return p.finish(p.list(file.Stmts, false))
}

// invokeShell is sh, dash or bash, called as a command.
func (p *process) invokeShell(bash bool, args []string, env map[string]string, dir string) int {
	q := p.child(env, dir)
	q.bash, q.name = bash, "sh"
	command, standard := false, false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		o := args[0]
		args = args[1:]
		if o == "--" {
			break
		}
		if o[0] == '-' && strings.Contains(o, "c") && !strings.HasPrefix(o, "--") {
			command = true
			o = strings.ReplaceAll(o, "c", "")
		}
		if o[0] == '-' && strings.Contains(o, "s") && !strings.HasPrefix(o, "--") {
			standard = true
			o = strings.ReplaceAll(o, "s", "")
		}
		if o != "-" && !q.option(o) {
			p.job.stop(p.job.cannot("it calls a shell with the unknown option %q", o))
			return fault
		}
	}
	if standard && !command {
		q.params, args = args, nil
	}
	return q.invoked(command, args)
}

// invoked runs what the arguments after a shell's options name.
func (q *process) invoked(command bool, args []string) int {
	q.file = "sh"
	switch {
	case command && len(args) == 0:
		q.complain("-c requires an argument")
		return fault
	case command:
		text := args[0]
		if len(args) > 1 {
			q.name, q.params = args[1], args[2:]
		}
		return q.text(text, "sh -c")
	case len(args) > 0 && q.inTable(args[0]):
		return q.serve(q.job.runner.Table[path.Base(args[0])], path.Base(args[0]), args, q.exported(), q.dir)
	case len(args) > 0:
		source, err := q.job.runner.FS.ReadFile(q.abs(args[0]))
		if err != nil {
			q.complain("cannot open %s: %s", args[0], reason(err))
			return fault
		}
		q.file = args[0]
		return q.script(interpreter{}, args[0], source, args[1:])
	}
	source, err := io.ReadAll(io.LimitReader(q.stdin(), q.job.limits.Memory))
	if err != nil {
		q.complain("%v", err)
		return fault
	}
	return q.text(string(source), "standard input")
}

// inTable reports whether a script that a shell is given by its file is a command
// of the table, which goes first as it does where the script is called.
func (p *process) inTable(file string) bool {
	_, known := p.job.runner.Table[path.Base(file)]
	return known && path.IsAbs(file) && inBin(file) && p.job.runner.FS.IsFile(file)
}

// exec returns what Call.Exec is: another command with c's surroundings.
func (p *process) exec(c *command.Call) func(context.Context, []string, io.Reader, io.Writer, io.Writer) (int, error) {
	return func(_ context.Context, args []string, in io.Reader, out, errs io.Writer) (int, error) {
		q := p.subshell()
		q.traps = map[string]string{}
		q.files[0], q.files[1], q.files[2] = &file{r: in}, &file{w: out}, &file{w: errs}
		if !p.job.step() {
			return fault, p.job.err
		}
		status := q.external(args, c.Env, c.Dir)
		p.broken = p.broken || q.broken
		return status, p.job.err
	}
}
