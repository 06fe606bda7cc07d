package shell

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Get implements expand.Environ.
func (p *process) Get(name string) expand.Variable {
	text := func(s string) expand.Variable { return expand.Variable{Set: true, Kind: expand.String, Str: s} }
	switch name {
	case "#":
		return text(strconv.Itoa(len(p.params)))
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: append([]string{}, p.params...)}
	case "?":
		return text(strconv.Itoa(p.status))
	case "-":
		return text(p.flags())
	case "$":
		return text(strconv.Itoa(firstPID))
	case "!":
		if p.lastBG == 0 {
			return expand.Variable{}
		}
		return text(strconv.Itoa(p.lastBG))
	case "0":
		return text(p.name)
	case "PPID":
		return text("1")
	case "RANDOM", "SRANDOM":
		if p.bash {
			p.job.stop(p.job.cannot("it reads $%s, but what is random cannot be part of a reproducible image", name))
		}
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > len(p.params) {
			return expand.Variable{}
		}
		return text(p.params[n-1])
	}
	if user, ok := strings.CutPrefix(name, "HOME "); ok {
		return text(p.home(user)) // always set: else the expander would ask the host
	}
	return p.vars[name]
}

// home returns a user's home directory by the tree's passwd, or what was written.
func (p *process) home(user string) string {
	passwd, err := p.job.runner.FS.ReadFile("/etc/passwd")
	if err == nil {
		for line := range strings.Lines(string(passwd)) {
			if f := strings.Split(line, ":"); len(f) == 7 && f[0] == user {
				return f[5]
			}
		}
	}
	return "~" + user
}

// Set implements expand.WriteEnviron.
func (p *process) Set(name string, v expand.Variable) error {
	old := p.vars[name]
	if old.ReadOnly {
		return fmt.Errorf("%s: is read only", name)
	}
	if v.Kind == expand.KeepValue {
		v.Kind, v.Str, v.List, v.Map, v.Set = old.Kind, old.Str, old.List, old.Map, old.Set
	}
	v.Exported = v.Exported || old.Exported || p.opts['a']
	p.assign(name, v)
	return nil
}

// Each implements expand.Environ.
func (p *process) Each(yield func(string, expand.Variable) bool) {
	for _, name := range slices.Sorted(maps.Keys(p.vars)) {
		if !yield(name, p.vars[name]) {
			return
		}
	}
}

// assign sets a variable as it is, within the memory limit.
func (p *process) assign(name string, v expand.Variable) {
	p.size += weight(v) - weight(p.vars[name])
	if p.job.weigh(p.size) {
		p.vars[name] = v
	}
}

func weight(v expand.Variable) int64 {
	n := len(v.Str)
	for _, s := range v.List {
		n += len(s) + 16
	}
	for _, s := range v.Map { // a sum has no order
		n += len(s) + 64
	}
	return int64(n)
}

// set gives a variable a string.
func (p *process) set(name, value string) bool {
	v := p.vars[name]
	err := p.Set(name, expand.Variable{Set: true, Kind: expand.String, Str: value, Exported: v.Exported, Local: v.Local})
	if err != nil {
		p.complain("%v", err)
	}
	return err == nil
}

func (p *process) unset(name string) {
	p.size -= weight(p.vars[name])
	delete(p.vars, name)
}

// local hides a variable until the function returns.
func (p *process) local(name string) {
	s := p.scopes[len(p.scopes)-1]
	if _, ok := s[name]; !ok {
		s[name] = p.vars[name]
	}
	if p.bash {
		p.unset(name)
	}
}

// unhide ends the innermost scope.
func (p *process) unhide() {
	s := p.scopes[len(p.scopes)-1]
	p.scopes = p.scopes[:len(p.scopes)-1]
	p.restore(s)
}

func (p *process) restore(s scope) {
	for name, v := range s { // each its own variable
		if v.Declared() {
			p.assign(name, v)
		} else {
			p.unset(name)
		}
	}
}

// exported returns the environment of a command.
func (p *process) exported() map[string]string {
	env := map[string]string{}
	for name, v := range p.vars { // into a map again
		if v.Exported && v.IsSet() {
			env[name] = v.String()
		}
	}
	return env
}

func (p *process) flags() string {
	var b []byte
	for c, on := range p.opts {
		if on && c != pipefail {
			b = append(b, c)
		}
	}
	slices.Sort(b)
	return string(b)
}

// configure makes the expander's configuration.
func (p *process) configure() {
	p.config = &expand.Config{Env: p, CmdSubst: p.substitute, ProcSubst: p.processSubst}
	p.reconfigure()
}

// reconfigure follows a change of options.
func (p *process) reconfigure() {
	p.config.NoUnset = p.opts['u']
	p.config.ReadDir2 = p.readDir
	if p.opts['f'] {
		p.config.ReadDir2 = nil
	}
}

func (p *process) processSubst(*syntax.ProcSubst) (string, error) {
	err := p.job.cannot("it uses a process substitution, <(...)")
	p.job.stop(err)
	return "", err
}
