package shell

import (
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// bashCommand evaluates what only bash has: (( )), [[ ]] and let.
func (p *process) bashCommand(c syntax.Command, tested bool) int {
	status := func(ok bool) int {
		if ok {
			return 0
		}
		return 1
	}
	switch c := c.(type) {
	case *syntax.ArithmCmd:
		return p.checked(status(p.arithmetic(c.X) != 0), tested)
	case *syntax.LetClause:
		last := 0
		for _, e := range c.Exprs {
			last = p.arithmetic(e)
		}
		return p.checked(status(last != 0), tested)
	case *syntax.TestClause:
		p.job.at(p.file, int(c.Left.Line()))
		return p.checked(status(p.condition(c.X)), tested)
	}
	p.job.stop(p.job.cannot("it uses a construct of bash's that kiln has not: %T", c))
	return fault
}

// arithmeticFor is for ((init; cond; post)).
func (p *process) arithmeticFor(c *syntax.ForClause, tested bool) int {
	l, ok := c.Loop.(*syntax.CStyleLoop)
	if !ok || c.Select {
		p.job.stop(p.job.cannot("it uses select, which asks a person"))
		return fault
	}
	evaluate := func(e syntax.ArithmExpr) int {
		if e == nil {
			return 1
		}
		return p.arithmetic(e)
	}
	status, first := 0, true
	evaluate(l.Init)
	p.loop(func() bool {
		if !first {
			evaluate(l.Post)
		}
		first = false
		if evaluate(l.Cond) == 0 || p.skip != skipNone {
			return false
		}
		status = p.statements(c.Do, tested)
		return true
	})
	return status
}

// condition evaluates the inside of [[ ]].
func (p *process) condition(e syntax.TestExpr) bool {
	switch e := e.(type) {
	case *syntax.ParenTest:
		return p.condition(e.X)
	case *syntax.Word:
		return p.literal(e) != ""
	case *syntax.UnaryTest:
		if e.Op == syntax.TsNot {
			return !p.condition(e.X)
		}
		return p.test(e.Op.String(), p.testWord(e.X))
	case *syntax.BinaryTest:
		return p.binaryTest(e)
	}
	p.job.stop(p.job.cannot("it uses a test of bash's that kiln has not: %T", e))
	return false
}

func (p *process) testWord(e syntax.TestExpr) string {
	w, _ := e.(*syntax.Word)
	return p.literal(w)
}

func (p *process) binaryTest(e *syntax.BinaryTest) bool {
	switch e.Op {
	case syntax.AndTest:
		return p.condition(e.X) && p.condition(e.Y)
	case syntax.OrTest:
		return p.condition(e.X) || p.condition(e.Y)
	}
	left := p.testWord(e.X)
	pat, _ := e.Y.(*syntax.Word)
	switch e.Op {
	case syntax.TsMatch, syntax.TsMatchShort:
		return p.matches(pat, left)
	case syntax.TsNoMatch:
		return !p.matches(pat, left)
	case syntax.TsReMatch:
		return p.matchRegexp(pat, left)
	case syntax.TsBefore:
		return left < p.literal(pat)
	case syntax.TsAfter:
		return left > p.literal(pat)
	}
	return p.test(left, e.Op.String(), p.literal(pat))
}

// matchRegexp is =~. Quoted parts of the expression stand for themselves.
func (p *process) matchRegexp(w *syntax.Word, text string) bool {
	var b strings.Builder
	for _, part := range w.Parts {
		s := p.literal(&syntax.Word{Parts: []syntax.WordPart{part}})
		switch part := part.(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			s = regexp.QuoteMeta(s)
		case *syntax.Lit:
			s = part.Value
		}
		b.WriteString(s)
	}
	re, err := regexp.CompilePOSIX(b.String())
	if err != nil {
		p.job.stop(p.job.cannot("it matches %q: %v", b.String(), err))
		return false
	}
	m := re.FindStringSubmatch(text)
	p.assign("BASH_REMATCH", expand.Variable{Set: true, Kind: expand.Indexed, List: m})
	return m != nil
}

// test asks the test command.
func (p *process) test(args ...string) bool {
	return p.fromTable(append([]string{"test"}, args...), true) == 0
}

// declare is declare, typeset, local, export and readonly as bash parses them.
func (p *process) declare(c *syntax.DeclClause, s *syntax.Stmt) int {
	p.job.at(p.file, int(s.Position.Line()))
	undo, ok := p.redirect(s.Redirs)
	defer undo()
	if !ok {
		return fault
	}
	var flags string
	for _, a := range c.Args {
		if a.Name == nil {
			flags += strings.TrimLeft(p.literal(a.Value), "-")
			continue
		}
		if status := p.declareOne(c.Variant.Value, flags, a); status != 0 {
			return status
		}
	}
	return 0
}

func (p *process) declareOne(variant, flags string, a *syntax.Assign) int {
	if strings.Trim(flags, "axrgi") != "" {
		p.job.stop(p.job.cannot("it uses %s -%s", variant, flags))
		return fault
	}
	name := a.Name.Value
	if len(p.scopes) > 0 && variant != "export" && variant != "readonly" && !strings.Contains(flags, "g") {
		p.local(name)
	}
	v := expand.Variable{Kind: expand.KeepValue}
	if !a.Naked {
		v = p.value(a)
	} else if strings.Contains(flags, "a") {
		v = expand.Variable{Kind: expand.Indexed}
	}
	if strings.Contains(flags, "i") && v.Kind == expand.String {
		n, err := strconv.Atoi(v.Str)
		if err != nil {
			p.job.stop(p.job.cannot("it declares the integer %s=%s", name, v.Str))
			return fault
		}
		v.Str = strconv.Itoa(n)
	}
	v.Exported = variant == "export" || strings.Contains(flags, "x")
	v.ReadOnly = variant == "readonly" || strings.Contains(flags, "r")
	if err := p.Set(name, v); err != nil {
		return p.wrong(false, "%s: %v", variant, err)
	}
	return 0
}
