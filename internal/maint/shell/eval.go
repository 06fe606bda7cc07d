package shell

import (
	"fmt"

	"mvdan.cc/sh/v3/syntax"
)

// The evaluator follows dash's eval.c in what decides about "set -e": a status is
// looked at after simple commands, pipelines and subshells only, never after
// if, case, loops and braces, and not where tested is set, which every condition
// passes down to all that it runs, functions included.

// list evaluates statements and returns the last status.
func (p *process) list(stmts []*syntax.Stmt, tested bool) int {
	p.status = p.statements(stmts, tested)
	return p.status
}

func (p *process) statements(stmts []*syntax.Stmt, tested bool) int {
	status := 0
	for _, s := range stmts {
		status = p.statement(s, tested)
		if p.skip != skipNone || p.job.err != nil {
			break
		}
	}
	return status
}

// statement evaluates one statement and sets $?.
func (p *process) statement(s *syntax.Stmt, tested bool) int {
	if !p.job.step() {
		return fault
	}
	switch {
	case s.Background:
		p.background(s)
		p.status = 0
	case s.Coprocess || s.Disown:
		p.job.stop(p.job.cannot("it uses a coprocess"))
	case s.Negated:
		positive := *s
		positive.Negated = false
		status := 0
		if p.statement(&positive, true) == 0 {
			status = 1
		}
		if p.skip == skipNone {
			p.status = status
		}
	default:
		status := p.command(s, tested)
		if p.skip != skipExit {
			p.status = status
		}
	}
	return p.status
}

// checked ends the process after a failure, under "set -e".
func (p *process) checked(status int, tested bool) int {
	if p.broken {
		return p.exit(sigpipe)
	}
	if status != 0 && !tested && p.opts['e'] && p.skip != skipExit {
		return p.exit(status)
	}
	return status
}

// command evaluates the command of a statement, with its redirections.
func (p *process) command(s *syntax.Stmt, tested bool) int {
	switch c := s.Cmd.(type) {
	case nil:
		return p.checked(p.simple(&syntax.CallExpr{}, s, tested), tested)
	case *syntax.CallExpr:
		return p.checked(p.simple(c, s, tested), tested)
	case *syntax.DeclClause:
		return p.checked(p.declare(c, s), tested)
	}
	undo, ok := p.redirect(s.Redirs)
	defer undo()
	if !ok {
		return p.checked(fault, tested)
	}
	return p.compound(s.Cmd, tested)
}

// background runs the statement to its end at once: nothing of an image can go on
// running. Its status is there for wait.
func (p *process) background(s *syntax.Stmt) {
	front := *s
	front.Background = false
	p.job.pids++
	pid := p.job.pids
	status := p.inSubshell(func(q *process) int {
		q.files[0] = &file{r: empty{}}
		return q.list([]*syntax.Stmt{&front}, false)
	})
	p.lastBG = pid
	p.job.ended(pid, status)
}

// eval runs text as eval does.
func (p *process) eval(text string, tested bool) int {
	parsed, err := p.parse(text, "")
	if err != nil {
		p.complain("%v", err)
		return p.exit(fault)
	}
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	place, file := p.job.place, p.file
	p.file = fmt.Sprintf("eval at line %d", place.line)
	status := p.statements(parsed.Stmts, tested)
	p.file = file
	p.back(place)
	return status
}
