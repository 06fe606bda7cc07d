package awk

import (
	"errors"

	"kiln/internal/maint/regex"
)

// list is expressions with commas between them.
func (p *parser) list() []expr {
	all := []expr{p.expression()}
	for p.accept(",") {
		p.newlines()
		all = append(all, p.expression())
	}
	return all
}

func (p *parser) expression() expr {
	defer p.nest()()
	return p.conditional()
}

func isTarget(e expr) bool {
	switch e.(type) {
	case *variable, *element, *field:
		return true
	}
	return false
}

func (p *parser) conditional() expr {
	test := p.or()
	if p.tok.kind != "?" {
		return test
	}
	p.advance()
	p.newlines()
	yes := p.expression()
	p.newlines()
	p.expect(":")
	p.newlines()
	return &conditional{test, yes, p.expression()}
}

func (p *parser) or() expr {
	e := p.and()
	for p.tok.kind == "||" {
		p.advance()
		p.newlines()
		e = &binary{"||", e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	e := p.membership()
	for p.tok.kind == "&&" {
		p.advance()
		p.newlines()
		e = &binary{"&&", e, p.membership()}
	}
	return e
}

func (p *parser) membership() expr {
	e := p.match()
	for p.tok.kind == "in" {
		p.advance()
		keys := []expr{e}
		if g, ok := e.(*group); ok {
			keys = g.list
		}
		e = &membership{keys, p.arrayNamed(p.expect(tokenName).text)}
	}
	return e
}

func (p *parser) match() expr {
	e := p.comparison()
	for p.is("~", "!~") {
		op := p.tok.kind
		p.advance()
		e = &binary{op, e, p.comparison()}
	}
	return e
}

func (p *parser) comparison() expr {
	e := p.piped()
	if p.is("<", "<=", "==", "!=", ">=") || p.tok.kind == ">" && !p.noGreater {
		op := p.tok.kind
		p.advance()
		return &binary{op, e, p.piped()}
	}
	return e
}

// piped is "command | getline".
func (p *parser) piped() expr {
	e := p.concatenation()
	for p.tok.kind == "|" {
		lexer, tok := p.lexer, p.tok
		p.advance()
		if !p.accept("getline") {
			p.lexer, p.tok = lexer, tok
			return e
		}
		e = &getline{kind: "|", source: e, target: p.optionalTarget()}
	}
	return e
}

func (p *parser) concatenation() expr {
	e := p.additive()
	if !p.startsOperand() {
		return e
	}
	all := &concatenation{parts: []expr{e}}
	for p.startsOperand() {
		all.parts = append(all.parts, p.additive())
	}
	return all
}

// startsOperand reports whether what comes can be concatenated. A sign cannot: it is
// an operator there.
func (p *parser) startsOperand() bool {
	return p.is(tokenNumber, tokenString, tokenName, tokenCall, tokenBuiltin, "$", "!", "(", "++", "--")
}

func (p *parser) additive() expr {
	e := p.multiplicative()
	for p.is("+", "-") {
		op := p.tok.kind
		p.advance()
		e = &binary{op, e, p.multiplicative()}
	}
	return e
}

func (p *parser) multiplicative() expr {
	e := p.unary()
	for p.is("*", "/", "%") {
		op := p.tok.kind
		p.advance()
		e = &binary{op, e, p.unary()}
	}
	return e
}

func (p *parser) unary() expr {
	defer p.nest()()
	if p.is("!", "-", "+") {
		op := p.tok.kind
		p.advance()
		return &unary{op, p.unary()}
	}
	return p.power()
}

func (p *parser) power() expr {
	e := p.postfix()
	if p.tok.kind != "^" {
		return e
	}
	p.advance()
	return &binary{"^", e, p.exponent()}
}

// exponent is a power too, which binds to the right, and may have signs.
func (p *parser) exponent() expr {
	defer p.nest()()
	if p.is("-", "+", "!") {
		op := p.tok.kind
		p.advance()
		return &unary{op, p.exponent()}
	}
	return p.power()
}

// postfix is an operand with ++ or -- behind it, or an assignment: where a variable
// stands as the last operand of others, an = behind it belongs to it, as it does in
// yacc's reading of the grammar.
func (p *parser) postfix() expr {
	e := p.primary()
	if !isTarget(e) {
		return e
	}
	switch k := p.tok.kind; k {
	case "++", "--":
		by := 1.0
		if k == "--" {
			by = -1
		}
		p.advance()
		return &increment{target: e, by: by, postfix: true}
	case "=", "+=", "-=", "*=", "/=", "%=", "^=":
		p.advance()
		p.newlines()
		return &assignment{op: k[:len(k)-1], target: e, value: p.expression()}
	}
	return e
}

func (p *parser) primary() expr {
	defer p.nest()()
	t := p.tok
	switch t.kind {
	case tokenNumber:
		p.advance()
		return &numberLiteral{number(t.num)}
	case tokenString:
		p.advance()
		return &stringLiteral{text(t.text)}
	case "/", "/=":
		return p.regex()
	case "(":
		return p.parenthesis()
	case "$":
		p.advance()
		return &field{p.fieldIndex()}
	case "++", "--":
		p.advance()
		target := p.primary()
		if !isTarget(target) {
			p.unexpected()
		}
		by := 1.0
		if t.kind == "--" {
			by = -1
		}
		return &increment{target: target, by: by}
	case "getline":
		p.advance()
		g := &getline{target: p.optionalTarget()}
		if p.accept("<") {
			g.kind, g.source = "<", p.primary()
		}
		return g
	case tokenBuiltin:
		return p.builtin()
	case tokenName, tokenCall:
		return p.named()
	}
	p.unexpected()
	return nil
}

// fieldIndex is what follows $: it binds tighter than anything but ++ and -- before it.
func (p *parser) fieldIndex() expr {
	defer p.nest()()
	if p.is("-", "+", "!") {
		op := p.tok.kind
		p.advance()
		return &unary{op, p.fieldIndex()}
	}
	return p.primary()
}

func (p *parser) regex() expr {
	text, err := p.lexer.regex()
	if err != nil {
		panic(syntaxPanic{err})
	}
	if p.tok.kind == "/=" {
		text = "=" + text
	}
	re, err := regex.CompileAwk(text)
	if errors.Is(err, regex.ErrTooLarge) {
		panic(syntaxPanic{&LimitError{States, regex.MaxSize}})
	}
	if err != nil {
		p.fail(p.tok.line, "%v", err)
	}
	p.advance()
	return &regexLiteral{re}
}

// parenthesis is (e), or (e, e...) of print and in.
func (p *parser) parenthesis() expr {
	defer p.nest()()
	noGreater := p.noGreater
	p.noGreater = false
	p.advance()
	p.newlines()
	list := p.list()
	p.newlines()
	p.noGreater = noGreater
	p.expect(")")
	if len(list) == 1 {
		if isTarget(list[0]) {
			return list[0]
		}
		if g, ok := list[0].(*group); ok && len(g.list) > 1 {
			p.unexpected()
		}
		return &group{list}
	}
	if p.tok.kind != "in" && !(noGreater && p.is(";", tokenNewline, "}", tokenEnd, ">", ">>", "|")) {
		p.unexpected()
	}
	return &group{list}
}

// optionalTarget is the variable of a getline.
func (p *parser) optionalTarget() expr {
	if !p.is("$", tokenName) {
		return nil
	}
	return p.primary()
}

func (p *parser) named() expr {
	t := p.tok
	p.advance()
	f := p.program.functions[t.text]
	if t.kind == tokenCall || f != nil && p.tok.kind == "(" {
		return p.call(p.functionNamed(t.text, t.line), t.line)
	}
	if p.accept("[") {
		noGreater := p.noGreater
		p.noGreater = false
		keys := p.list()
		p.noGreater = noGreater
		p.expect("]")
		return &element{p.arrayNamed(t.text), keys}
	}
	return p.bareVariable(t)
}

// bareVariable is a variable by its name, taken as a scalar until call takes it back.
func (p *parser) bareVariable(t token) *variable {
	v := &variable{p.symbol(t.text), len(p.bare)}
	p.bare = append(p.bare, bareName{v.symbol, true, t.line})
	return v
}

// unbare takes back that a bare name is a scalar, if e is one.
func (p *parser) unbare(e expr) *symbol {
	v, ok := e.(*variable)
	if !ok {
		return nil
	}
	p.bare[v.at].scalar = false
	return v.symbol
}

func (p *parser) arguments() []expr {
	defer p.nest()()
	noGreater := p.noGreater
	p.noGreater = false
	p.expect("(")
	p.newlines()
	var args []expr
	for p.tok.kind != ")" {
		args = append(args, p.expression())
		p.newlines()
		if !p.accept(",") {
			break
		}
		p.newlines()
	}
	p.noGreater = noGreater
	p.expect(")")
	return args
}

func (p *parser) call(f *function, line int) expr {
	args := p.arguments()
	for i, arg := range args {
		p.calls = append(p.calls, passing{p.unbare(arg), f, i, line})
	}
	return &call{f, args}
}

func (p *parser) builtin() expr {
	t := p.tok
	b := builtins[t.text]
	p.advance()
	c := &builtinCall{name: t.text, line: t.line}
	if p.tok.kind == "(" {
		c.args = p.arguments()
	} else if !b.bare {
		p.unexpected()
	}
	if len(c.args) < b.min || len(c.args) > b.max {
		p.fail(t.line, "wrong number of arguments in call to %s", t.text)
	}
	switch {
	case t.text == "length" && len(c.args) == 1:
		p.unbare(c.args[0])
	case t.text == "split":
		s := p.unbare(c.args[1])
		if s == nil {
			p.fail(t.line, "split's second argument is no array")
		}
		s.array = true
	case (t.text == "sub" || t.text == "gsub") && len(c.args) == 3 && !isTarget(c.args[2]):
		p.fail(t.line, "%s's third argument cannot be assigned to", t.text)
	}
	return c
}
