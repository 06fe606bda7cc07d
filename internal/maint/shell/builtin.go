package shell

import "strconv"

// builtin is a command that the shell itself carries out. args[0] is its name.
type builtin struct {
	run     func(p *process, args []string, tested bool) int
	special bool // a fault of it ends the script (POSIX, 2.15)
}

// builtinOf returns the builtin that args call, or a zero one.
func builtinOf(args []string) builtin {
	if len(args) == 0 {
		return builtin{}
	}
	if b := specialBuiltin(args[0]); b != nil {
		return builtin{b, true}
	}
	return builtin{run: plainBuiltin(args[0])}
}

func specialBuiltin(name string) func(*process, []string, bool) int {
	switch name {
	case ":":
		return (*process).nothing
	case ".", "source":
		return (*process).dot
	case "break", "continue":
		return (*process).breakLoop
	case "eval":
		return (*process).evalArgs
	case "exec":
		return (*process).execArgs
	case "exit":
		return (*process).exitArgs
	case "export", "readonly":
		return (*process).export
	case "return":
		return (*process).returnArgs
	case "set":
		return (*process).setArgs
	case "shift":
		return (*process).shift
	case "times":
		return (*process).times
	case "trap":
		return (*process).trap
	case "unset":
		return (*process).unsetArgs
	}
	return nil
}

func plainBuiltin(name string) func(*process, []string, bool) int {
	switch name {
	case "true":
		return (*process).nothing
	case "false":
		return (*process).fail
	case "[", "test", "printf", "kill":
		return (*process).fromTable
	case "alias", "unalias":
		return (*process).alias
	case "bg", "fg", "jobs", "ulimit", "fc":
		return (*process).refused
	case "cd", "chdir":
		return (*process).cd
	case "command":
		return (*process).commandArgs
	case "echo":
		return (*process).echo
	case "getopts":
		return (*process).getopts
	case "hash":
		return (*process).nothing
	case "local":
		return (*process).localArgs
	case "pwd":
		return (*process).pwd
	case "read":
		return (*process).read
	case "type":
		return (*process).typeOf
	case "umask":
		return (*process).umaskArgs
	case "wait":
		return (*process).wait
	}
	return nil
}

func (p *process) nothing([]string, bool) int { return 0 }

func (p *process) fail([]string, bool) int { return 1 }

func (p *process) times([]string, bool) int {
	_, _ = p.stdout().Write([]byte("0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n"))
	return 0
}

func (p *process) refused(args []string, _ bool) int {
	if args[0] == "ulimit" { // there are none
		return 0
	}
	p.job.stop(p.job.cannot("it uses the shell's %q, which kiln has not", args[0]))
	return fault
}

// fromTable runs a builtin that is a command as well.
func (p *process) fromTable(args []string, _ bool) int {
	f, ok := p.job.runner.Table[args[0]]
	if !ok {
		p.job.stop(p.job.cannot("it uses the shell's %q, which the table of commands lacks", args[0]))
		return fault
	}
	return p.serve(f, args[0], args, p.exported(), p.dir)
}

// wrong prints a complaint and returns the status of a builtin's fault, which for
// a special one is the end of the script.
func (p *process) wrong(special bool, format string, args ...any) int {
	p.complain(format, args...)
	if special && !p.mild {
		return p.exit(fault)
	}
	return fault
}

func (p *process) number(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}
