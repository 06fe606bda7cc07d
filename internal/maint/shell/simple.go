package shell

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// simple evaluates a simple command: words, then redirections, then assignments,
// then what the first word names.
func (p *process) simple(c *syntax.CallExpr, s *syntax.Stmt, tested bool) int {
	p.job.at(p.file, int(s.Position.Line()))
	p.subst = 0
	args := p.arguments(p.aliased(c.Args))
	if p.skip == skipExit || p.job.err != nil {
		return p.status
	}
	undo, ok := p.redirect(s.Redirs)
	if len(args) == 1 && args[0] == "exec" && ok {
		undo = func() {} // what exec redirects stays so
	}
	defer func() { undo() }()
	if p.skip == skipExit || p.job.err != nil {
		return p.status
	}
	b := builtinOf(args)
	if !ok {
		if b.special {
			return p.exit(fault)
		}
		return fault
	}
	if len(args) == 0 {
		return p.assignments(c.Assigns)
	}
	p.trace(args)
	if b.special {
		if status := p.assignments(c.Assigns); p.skip == skipExit {
			return status
		}
		return b.run(p, args, tested)
	}
	return p.withAssigned(c.Assigns, func() int { return p.dispatch(b, args, tested) })
}

// dispatch runs a function, a builtin that is not special, or a command.
func (p *process) dispatch(b builtin, args []string, tested bool) int {
	if f, ok := p.funcs[args[0]]; ok {
		return p.call(f, args[1:], tested)
	}
	if b.run != nil {
		return b.run(p, args, tested)
	}
	return p.external(args, p.exported(), p.dir)
}

// arguments expands the words of a command. Of export, readonly and local, an
// argument that is an assignment is not split.
func (p *process) arguments(words []*syntax.Word) []string {
	if len(words) == 0 {
		return nil
	}
	switch words[0].Lit() {
	case "export", "readonly", "local":
	default:
		return p.fields(words)
	}
	var args []string
	for _, w := range words {
		if isAssignment(w) {
			args = append(args, p.literal(w))
		} else {
			args = append(args, p.fields([]*syntax.Word{w})...)
		}
	}
	return args
}

func isAssignment(w *syntax.Word) bool {
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return false
	}
	name, _, ok := strings.Cut(lit.Value, "=")
	return ok && syntax.ValidName(name)
}

// assignments carries out assignments for good. The status is that of the last
// command substitution in the command, if any.
func (p *process) assignments(assigns []*syntax.Assign) int {
	for _, a := range assigns {
		if !p.assignOne(a, false) {
			return p.exit(fault)
		}
		if p.skip == skipExit {
			return p.status
		}
	}
	return p.subst
}

// assignOne carries out one assignment. It reports whether it may.
func (p *process) assignOne(a *syntax.Assign, export bool) bool {
	v := p.value(a)
	if p.skip == skipExit {
		return true
	}
	v.Exported = export
	err := p.Set(a.Name.Value, v)
	if err != nil {
		p.complain("%v", err)
	}
	return err == nil
}

// value expands what a assigns.
func (p *process) value(a *syntax.Assign) expand.Variable {
	if a.Array != nil || a.Index != nil {
		return p.array(a)
	}
	text := ""
	if a.Value != nil {
		text = p.literal(a.Value)
	}
	if a.Append {
		text = p.vars[a.Name.Value].String() + text
	}
	return expand.Variable{Set: true, Kind: expand.String, Str: text}
}

// withAssigned runs body with assignments that hold for it only.
func (p *process) withAssigned(assigns []*syntax.Assign, body func() int) int {
	if len(assigns) == 0 {
		return body()
	}
	old := scope{}
	for _, a := range assigns {
		if _, seen := old[a.Name.Value]; !seen {
			old[a.Name.Value] = p.vars[a.Name.Value]
		}
	}
	defer p.restore(old)
	for _, a := range assigns {
		if !p.assignOne(a, true) {
			return p.exit(fault)
		}
		if p.skip == skipExit {
			return p.status
		}
	}
	return body()
}

// call runs a function.
func (p *process) call(f function, args []string, tested bool) int {
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	params, file, loops, place := p.params, p.file, p.loops, p.job.place
	p.params, p.file, p.loops = args, f.file, 0
	p.scopes = append(p.scopes, scope{})
	status := p.statement(f.body, tested)
	p.unhide()
	p.params, p.file, p.loops = params, file, loops
	p.back(place)
	if p.skip == skipReturn {
		p.skip = skipNone
		return p.status
	}
	return status
}

// trace prints a command under "set -x".
func (p *process) trace(args []string) {
	if p.opts['x'] {
		_, _ = stream{p, p.files[2]}.Write([]byte(p.vars["PS4"].String() + strings.Join(args, " ") + "\n"))
	}
}

// aliased puts the words of an alias in the place of its name. The parser has split
// the command already, so that an alias can only be words.
func (p *process) aliased(words []*syntax.Word) []*syntax.Word {
	if len(words) == 0 || len(p.aliases) == 0 {
		return words
	}
	text, ok := p.aliases[words[0].Lit()]
	if !ok {
		return words
	}
	file, err := p.parse(text, "alias")
	if err == nil && len(file.Stmts) == 1 && len(file.Stmts[0].Redirs) == 0 {
		if c, ok := file.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(c.Assigns) == 0 {
			return append(append([]*syntax.Word{}, c.Args...), words[1:]...)
		}
	}
	p.job.stop(p.job.cannot("it uses the alias %q, which is more than words", words[0].Lit()))
	return nil
}
