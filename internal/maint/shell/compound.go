package shell

import (
	"strings"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

func (p *process) compound(c syntax.Command, tested bool) int {
	switch c := c.(type) {
	case *syntax.Block:
		return p.statements(c.Stmts, tested)
	case *syntax.BinaryCmd:
		return p.binary(c, tested)
	case *syntax.Subshell:
		place := p.job.place
		status := p.inSubshell(func(q *process) int { return q.list(c.Stmts, tested) })
		p.back(place)
		return p.checked(status, tested)
	case *syntax.IfClause:
		return p.ifClause(c, tested)
	case *syntax.WhileClause:
		return p.while(c, tested)
	case *syntax.ForClause:
		return p.forClause(c, tested)
	case *syntax.CaseClause:
		return p.caseClause(c, tested)
	case *syntax.FuncDecl:
		p.funcs[c.Name.Value] = function{c.Body, p.file}
		return 0
	}
	return p.bashCommand(c, tested)
}

// binary is && and ||, and the pipeline.
func (p *process) binary(c *syntax.BinaryCmd, tested bool) int {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		return p.checked(p.pipeline(c, tested), tested)
	}
	status := p.statement(c.X, true)
	if p.skip != skipNone || (status == 0) != (c.Op == syntax.AndStmt) {
		return status
	}
	return p.statement(c.Y, tested)
}

func (p *process) ifClause(c *syntax.IfClause, tested bool) int {
	for ; c != nil; c = c.Else {
		if len(c.Cond) > 0 && p.statements(c.Cond, true) != 0 {
			if p.skip != skipNone {
				return p.status
			}
			continue
		}
		if p.skip != skipNone {
			return p.status
		}
		return p.statements(c.Then, tested)
	}
	return 0
}

func (p *process) while(c *syntax.WhileClause, tested bool) int {
	status := 0
	p.loop(func() bool {
		if (p.statements(c.Cond, true) == 0) == c.Until && p.skip == skipNone {
			return false
		}
		if p.skip == skipNone {
			status = p.statements(c.Do, tested)
		} else {
			status = p.status
		}
		return true
	})
	return status
}

// loop calls turn until that returns false or a break or the like ends the loop.
func (p *process) loop(turn func() bool) {
	p.loops++
	defer func() { p.loops-- }()
	for p.job.step() && turn() {
		switch p.skip {
		case skipNone:
			continue
		case skipBreak, skipContinue:
			if p.levels--; p.levels > 0 {
				return
			}
			again := p.skip == skipContinue
			p.skip = skipNone
			if again {
				continue
			}
		}
		return
	}
}

func (p *process) forClause(c *syntax.ForClause, tested bool) int {
	each, ok := c.Loop.(*syntax.WordIter)
	if !ok || c.Select {
		return p.arithmeticFor(c, tested)
	}
	items := append([]string{}, p.params...)
	if each.InPos.IsValid() {
		items = p.fields(each.Items)
	}
	if p.skip != skipNone {
		return p.status
	}
	status := 0
	p.loop(func() bool {
		if len(items) == 0 {
			return false
		}
		if !p.set(each.Name.Value, items[0]) {
			p.exit(fault)
			return true
		}
		items = items[1:]
		status = p.statements(c.Do, tested)
		return true
	})
	return status
}

func (p *process) caseClause(c *syntax.CaseClause, tested bool) int {
	p.job.at(p.file, int(c.Case.Line()))
	word := p.literal(c.Word)
	fall := false
	status := 0
	for _, item := range c.Items {
		for _, w := range item.Patterns {
			if fall || p.skip != skipNone || p.job.err != nil {
				break
			}
			fall = p.matches(w, word)
		}
		if p.skip != skipNone {
			return p.status
		}
		if !fall {
			continue
		}
		status = p.statements(item.Stmts, tested)
		switch item.Op {
		case syntax.Fallthrough:
			continue
		case syntax.Resume:
			fall = false
			continue
		}
		return status
	}
	return status
}

// matches reports whether text matches the pattern that w expands to.
func (p *process) matches(w *syntax.Word, text string) bool {
	pat := p.pattern(w)
	if p.skip == skipExit || p.job.err != nil {
		return false
	}
	if !strings.ContainsAny(pat, `*?[\(`) {
		return pat == text
	}
	mode := pattern.EntireString
	if p.bash {
		mode |= pattern.ExtendedOperators
	}
	match, err := p.job.matcher(pat, mode)
	if err != nil {
		return false // a pattern that is none matches nothing
	}
	return match(text)
}
