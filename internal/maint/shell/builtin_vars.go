package shell

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// export is export and readonly.
func (p *process) export(args []string, _ bool) int {
	for _, a := range args[1:] {
		name, value, assigned := strings.Cut(a, "=")
		switch {
		case a == "-p" && len(args) == 2:
			return p.listExported()
		case a == "--":
			continue
		case !syntax.ValidName(name):
			return p.wrong(true, "%s: %s: bad variable name", args[0], name)
		}
		v := expand.Variable{Kind: expand.KeepValue}
		if assigned {
			v = expand.Variable{Set: true, Kind: expand.String, Str: value}
		}
		if args[0] == "export" {
			v.Exported = true
		} else {
			v.ReadOnly = true
		}
		if err := p.Set(name, v); err != nil {
			return p.wrong(true, "%s: %v", args[0], err)
		}
	}
	return 0
}

func (p *process) unsetArgs(args []string, _ bool) int {
	functions := false
	for _, a := range args[1:] {
		switch {
		case a == "-f":
			functions = true
		case a == "-v":
			functions = false
		case functions:
			delete(p.funcs, a)
		case p.vars[a].ReadOnly:
			return p.wrong(true, "unset: %s: is read only", a)
		default:
			p.unset(a)
			if p.bash {
				delete(p.funcs, a)
			}
		}
	}
	return 0
}

// localArgs is dash's local: a name without a value keeps the one that it has.
func (p *process) localArgs(args []string, _ bool) int {
	if len(p.scopes) == 0 {
		return p.wrong(true, "local: not in a function")
	}
	for _, a := range args[1:] {
		name, value, assigned := strings.Cut(a, "=")
		if !syntax.ValidName(name) {
			return p.wrong(true, "local: %s: bad variable name", name)
		}
		p.local(name)
		if assigned && !p.set(name, value) {
			return p.exit(fault)
		}
	}
	return 0
}

// alias is alias and unalias.
func (p *process) alias(args []string, _ bool) int {
	for _, a := range args[1:] {
		name, text, defined := strings.Cut(a, "=")
		switch {
		case args[0] == "unalias" && a == "-a":
			clear(p.aliases)
		case args[0] == "unalias":
			delete(p.aliases, a)
		case defined:
			p.aliases[name] = text
		default:
			p.job.stop(p.job.cannot("it asks what the alias %q is", name))
			return fault
		}
	}
	return 0
}
