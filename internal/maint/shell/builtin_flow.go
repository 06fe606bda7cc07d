package shell

import "strings"

// breakLoop is break and continue.
func (p *process) breakLoop(args []string, _ bool) int {
	n := 1
	if len(args) > 1 {
		var ok bool
		if n, ok = p.number(args[1]); !ok || n == 0 {
			return p.wrong(true, "%s: Illegal number: %s", args[0], args[1])
		}
	}
	if p.loops == 0 {
		return 0
	}
	p.levels, p.skip = min(n, p.loops), skipBreak
	if args[0] == "continue" {
		p.skip = skipContinue
	}
	return 0
}

func (p *process) evalArgs(args []string, tested bool) int {
	text := strings.Join(args[1:], " ")
	if strings.TrimSpace(text) == "" {
		return 0
	}
	return p.eval(text, tested)
}

func (p *process) execArgs(args []string, _ bool) int {
	if len(args) == 1 {
		return 0
	}
	if args[1] == "--" {
		args = args[1:]
	}
	return p.exit(p.external(args[1:], p.exported(), p.dir))
}

func (p *process) exitArgs(args []string, _ bool) int {
	status := p.status
	if len(args) > 1 {
		n, ok := p.number(args[1])
		if !ok {
			return p.wrong(true, "exit: Illegal number: %s", args[1])
		}
		status = n
	}
	return p.exit(status)
}

func (p *process) returnArgs(args []string, _ bool) int {
	if len(args) > 1 {
		n, ok := p.number(args[1])
		if !ok {
			return p.wrong(true, "return: Illegal number: %s", args[1])
		}
		p.status = n & 0xff
	}
	p.skip = skipReturn
	return p.status
}

func (p *process) shift(args []string, _ bool) int {
	n := 1
	if len(args) > 1 {
		var ok bool
		if n, ok = p.number(args[1]); !ok {
			return p.wrong(true, "shift: Illegal number: %s", args[1])
		}
	}
	if n > len(p.params) {
		return p.wrong(true, "shift: can't shift that many")
	}
	p.params = p.params[n:]
	return 0
}
