package awk

import (
	"fmt"
	"slices"
)

// maxSource bounds a program's text, in bytes, and maxNesting how deep its parts may
// stand in each other.
const (
	maxSource  = 256 << 10
	maxNesting = 1000
)

// Parse parses a program. The error is a *SyntaxError or a *LimitError.
func Parse(source string) (*Program, error) {
	if len(source) > maxSource {
		return nil, &LimitError{Source, maxSource}
	}
	p := &parser{lexer: lexer{in: source, line: 1}, program: &Program{functions: map[string]*function{}, globals: map[string]*symbol{}}}
	for _, name := range specialNames {
		p.global(name).scalar = true
	}
	p.global("ENVIRON").array = true
	p.global("ARGV").array = true
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.program, nil
}

// parser is a recursive descent over the grammar of POSIX. Errors are thrown as
// syntaxPanic and caught in run.
type parser struct {
	lexer   lexer
	tok     token
	program *Program
	depth   int

	function  *function // whose body is parsed
	locals    map[string]*symbol
	loops     int  // open loops
	rule      bool // next is allowed here
	noGreater bool // ">" ends an expression: print's arguments

	bare  []bareName
	calls []passing
}

// bareName is a variable by its name alone: a scalar, unless it was found to be
// what is passed to a function or to length.
type bareName struct {
	symbol *symbol
	scalar bool
	line   int
}

// passing is a variable that a call passes on: it and the parameter are both arrays,
// or neither.
type passing struct {
	from     *symbol
	function *function
	at       int
	line     int
}

type syntaxPanic struct{ err error }

func (p *parser) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(syntaxPanic)
			if !ok {
				panic(r)
			}
			err = s.err
		}
	}()
	p.advance()
	for p.skipTerminators(); p.tok.kind != tokenEnd; p.skipTerminators() {
		p.item()
	}
	p.resolve()
	return nil
}

func (p *parser) fail(line int, format string, args ...any) {
	panic(syntaxPanic{&SyntaxError{Line: line, Text: fmt.Sprintf(format, args...)}})
}

func (p *parser) unexpected() { p.fail(p.tok.line, "syntax error at or near %v", p.tok) }

func (p *parser) advance() {
	t, err := p.lexer.next()
	if err != nil {
		panic(syntaxPanic{err})
	}
	p.tok = t
}

func (p *parser) is(kinds ...kind) bool { return slices.Contains(kinds, p.tok.kind) }

func (p *parser) accept(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(k kind) token {
	t := p.tok
	if t.kind != k {
		p.unexpected()
	}
	p.advance()
	return t
}

// nest counts how deep the parser is; the function returned counts back.
func (p *parser) nest() func() {
	if p.depth++; p.depth > maxNesting {
		panic(syntaxPanic{&LimitError{Nested, maxNesting}})
	}
	return func() { p.depth-- }
}

func (p *parser) newlines() {
	for p.tok.kind == tokenNewline {
		p.advance()
	}
}

func (p *parser) skipTerminators() {
	for p.is(tokenNewline, ";") {
		p.advance()
	}
}

// item is a rule or a function.
func (p *parser) item() {
	switch p.tok.kind {
	case "function":
		p.advance()
		p.define()
		return
	case "BEGIN", "END":
		into := &p.program.begin
		if p.tok.kind == "END" {
			into = &p.program.end
		}
		p.advance()
		if p.tok.kind != "{" {
			p.unexpected()
		}
		*into = append(*into, p.block())
		return
	}
	r := &rule{index: len(p.program.rules)}
	if p.tok.kind != "{" {
		r.pattern = p.expression()
		if p.accept(",") {
			p.newlines()
			r.until = p.expression()
		}
	}
	if p.tok.kind == "{" {
		p.rule = true
		r.action = p.block()
		p.rule = false
	} else if !p.is(tokenNewline, ";", tokenEnd) {
		p.unexpected()
	}
	p.program.rules = append(p.program.rules, r)
}

func (p *parser) define() {
	name := p.tok
	if !p.is(tokenName, tokenCall) {
		p.unexpected()
	}
	p.advance()
	f := p.functionNamed(name.text, name.line)
	if f.defined {
		p.fail(name.line, "function %s is defined twice", f.name)
	}
	f.defined = true
	p.locals = map[string]*symbol{}
	p.expect("(")
	for p.tok.kind != ")" {
		t := p.expect(tokenName)
		if p.locals[t.text] != nil {
			p.fail(t.line, "%s is a parameter twice", t.text)
		}
		s := &symbol{name: t.text, local: true, index: len(f.params), line: t.line}
		p.locals[t.text] = s
		f.params = append(f.params, s)
		if !p.accept(",") {
			break
		}
		p.newlines()
	}
	p.expect(")")
	p.newlines()
	p.function = f
	f.body = p.block()
	p.function, p.locals = nil, nil
}

func (p *parser) functionNamed(name string, line int) *function {
	f := p.program.functions[name]
	if f == nil {
		f = &function{name: name, line: line}
		p.program.functions[name] = f
	}
	return f
}

func (p *parser) global(name string) *symbol {
	s := p.program.globals[name]
	if s == nil {
		s = &symbol{name: name, index: p.program.count, line: p.tok.line}
		p.program.globals[name] = s
		p.program.count++
	}
	return s
}

func (p *parser) symbol(name string) *symbol {
	if s := p.locals[name]; s != nil {
		return s
	}
	return p.global(name)
}

// arrayNamed is a symbol that is used as an array.
func (p *parser) arrayNamed(name string) *symbol {
	s := p.symbol(name)
	s.array = true
	return s
}
