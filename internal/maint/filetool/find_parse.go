package filetool

import "kiln/internal/tree"

// findParser reads the expression: "or" over "and" over "not".
type findParser struct {
	f      *finder
	args   []string
	action bool
}

func (p *findParser) parse() (findTest, error) {
	if len(p.args) == 0 {
		return p.print("\n"), nil
	}
	test, err := p.or()
	if err == nil && len(p.args) > 0 {
		err = p.f.c.Unhonoured("unexpected %q", p.args[0])
	}
	if err != nil {
		return nil, err
	}
	if p.action {
		return test, nil
	}
	shown := p.print("\n")
	return func(e found) bool { return test(e) && shown(e) }, nil
}

func (p *findParser) peek() string {
	if len(p.args) > 0 {
		return p.args[0]
	}
	return ""
}

func (p *findParser) or() (findTest, error) {
	left, err := p.and()
	for err == nil && (p.peek() == "-o" || p.peek() == "-or") {
		p.args = p.args[1:]
		var right findTest
		if right, err = p.and(); err != nil {
			break
		}
		a := left
		left = func(e found) bool { return a(e) || right(e) }
	}
	return left, err
}

func (p *findParser) and() (findTest, error) {
	left, err := p.not()
	for err == nil {
		switch next := p.peek(); next {
		case "", "-o", "-or", ")":
			return left, nil
		case "-a", "-and":
			p.args = p.args[1:]
		}
		var right findTest
		if right, err = p.not(); err != nil {
			break
		}
		a := left
		left = func(e found) bool { return a(e) && right(e) }
	}
	return left, err
}

func (p *findParser) not() (findTest, error) {
	switch p.peek() {
	case "!", "-not":
		p.args = p.args[1:]
		inner, err := p.not()
		return func(e found) bool { return !inner(e) }, err
	case "(":
		p.args = p.args[1:]
		inner, err := p.or()
		if err == nil && p.peek() != ")" {
			err = p.f.c.Unhonoured("a parenthesis is not closed")
		}
		if err == nil {
			p.args = p.args[1:]
		}
		return inner, err
	case "":
		return nil, p.f.c.Unhonoured("the expression ends too early")
	}
	name := p.args[0]
	p.args = p.args[1:]
	return p.primary(name)
}

// value takes the argument of a primary.
func (p *findParser) value(name string) (string, error) {
	if len(p.args) == 0 {
		return "", p.f.c.Unhonoured("%s needs an argument", name)
	}
	v := p.args[0]
	p.args = p.args[1:]
	return v, nil
}

func (p *findParser) primary(name string) (findTest, error) {
	switch name {
	case "-true", "-nowarn", "-warn", "-noleaf", "-daystart":
		return func(found) bool { return true }, nil
	case "-false":
		return func(found) bool { return false }, nil
	case "-xdev", "-mount":
		return func(found) bool { return true }, nil
	case "-follow":
		p.f.follow = 'L'
		return func(found) bool { return true }, nil
	case "-depth", "-d":
		p.f.depthFirst = true
		return func(found) bool { return true }, nil
	case "-prune":
		return func(found) bool { p.f.prune = true; return true }, nil
	case "-empty":
		return p.empty, nil
	case "-nouser", "-nogroup":
		return p.orphan(name), nil
	case "-executable":
		return func(e found) bool { return e.info.Kind() == tree.Dir || e.info.Perm()&0o111 != 0 }, nil
	case "-readable", "-writable":
		return func(found) bool { return true }, nil
	}
	if test, ok, err := p.actionOf(name); ok || err != nil {
		return test, err
	}
	v, err := p.value(name)
	if err != nil {
		return nil, err
	}
	return p.valued(name, v)
}
