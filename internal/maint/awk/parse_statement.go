package awk

// block is { ... }.
func (p *parser) block() *block {
	defer p.nest()()
	p.expect("{")
	b := &block{}
	for p.skipTerminators(); p.tok.kind != "}"; p.skipTerminators() {
		if p.tok.kind == tokenEnd {
			p.fail(p.tok.line, "missing } near end of file")
		}
		b.list = append(b.list, p.statement())
	}
	p.advance()
	return b
}

// end is what ends a simple statement.
func (p *parser) end() {
	if p.is(";", tokenNewline) {
		p.advance()
		return
	}
	if !p.is("}", tokenEnd) {
		p.unexpected()
	}
}

// body is the statement of an if or a loop: after newlines, and maybe an empty one.
func (p *parser) body() statement {
	p.newlines()
	if p.accept(";") {
		return &block{}
	}
	return p.statement()
}

func (p *parser) loop() statement {
	p.loops++
	s := p.body()
	p.loops--
	return s
}

func (p *parser) statement() statement {
	defer p.nest()()
	switch p.tok.kind {
	case "{":
		return p.block()
	case "if":
		return p.ifStatement()
	case "while":
		p.advance()
		test := p.test()
		return &whileStatement{test: test, body: p.loop()}
	case "do":
		return p.doStatement()
	case "for":
		return p.forStatement()
	}
	s := p.simple()
	p.end()
	return s
}

// test is the condition of if, while and do, in its parentheses.
func (p *parser) test() expr {
	p.expect("(")
	e := p.expression()
	p.expect(")")
	return e
}

func (p *parser) ifStatement() statement {
	p.advance()
	s := &ifStatement{test: p.test()}
	s.yes = p.body()
	p.skipTerminators() // an else may stand behind them
	if p.accept("else") {
		s.no = p.body()
	}
	return s
}

func (p *parser) doStatement() statement {
	p.advance()
	body := p.loop()
	p.skipTerminators()
	p.expect("while")
	s := &whileStatement{test: p.test(), body: body, late: true}
	p.end()
	return s
}

func (p *parser) forStatement() statement {
	p.advance()
	p.expect("(")
	if s := p.forIn(); s != nil {
		return s
	}
	s := &forStatement{}
	if p.tok.kind != ";" {
		s.first = p.simple()
	}
	p.expect(";")
	p.newlines()
	if p.tok.kind != ";" {
		s.test = p.expression()
	}
	p.expect(";")
	p.newlines()
	if p.tok.kind != ")" {
		s.next = p.simple()
	}
	p.expect(")")
	s.body = p.loop()
	return s
}

// forIn is "name in array)", if that is what comes.
func (p *parser) forIn() statement {
	if p.tok.kind != tokenName {
		return nil
	}
	lexer, tok := p.lexer, p.tok
	p.advance()
	if p.accept("in") && p.tok.kind == tokenName {
		array := p.tok
		p.advance()
		if p.accept(")") {
			target := p.bareVariable(tok)
			s := &forIn{target: target, array: p.arrayNamed(array.text)}
			s.body = p.loop()
			return s
		}
	}
	p.lexer, p.tok = lexer, tok
	return nil
}

func (p *parser) simple() statement {
	line := p.tok.line
	switch p.tok.kind {
	case "print", "printf":
		return p.print()
	case "delete":
		return p.deletion()
	case "break", "continue":
		op := map[kind]flow{"break": flowBreak, "continue": flowContinue}[p.tok.kind]
		if p.loops == 0 {
			p.fail(line, "%s outside a loop", p.tok.kind)
		}
		p.advance()
		return &jump{op: op}
	case "next", "nextfile":
		op := map[kind]flow{"next": flowNext, "nextfile": flowNextFile}[p.tok.kind]
		if !p.rule {
			p.fail(line, "improper use of %s", p.tok.kind)
		}
		p.advance()
		return &jump{op: op}
	case "exit", "return":
		op := map[kind]flow{"exit": flowExit, "return": flowReturn}[p.tok.kind]
		if op == flowReturn && p.function == nil {
			p.fail(line, "return outside function body")
		}
		p.advance()
		j := &jump{op: op}
		if !p.is(";", tokenNewline, "}", tokenEnd) {
			j.value = p.expression()
		}
		return j
	}
	return &expressionStatement{p.expression()}
}

func (p *parser) deletion() statement {
	p.advance()
	name := p.tok
	if !p.is(tokenName) {
		p.unexpected()
	}
	p.advance()
	d := &deletion{array: p.arrayNamed(name.text)}
	if p.accept("[") {
		d.keys = p.list()
		p.expect("]")
	}
	return d
}

func (p *parser) print() statement {
	s := &printStatement{formatted: p.tok.kind == "printf"}
	p.advance()
	p.noGreater = true
	if !p.is(";", tokenNewline, "}", tokenEnd, ">", ">>", "|") {
		s.args = p.list()
	}
	p.noGreater = false
	if len(s.args) == 1 {
		if g, ok := s.args[0].(*group); ok {
			s.args = g.list
		}
	}
	if s.formatted && len(s.args) == 0 {
		p.fail(p.tok.line, "no arguments in call to printf")
	}
	if p.is(">", ">>", "|") {
		s.to = p.tok.kind
		p.advance()
		s.target = p.concatenation()
	}
	return s
}
