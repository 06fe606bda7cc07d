package texttool

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// Expr is expr(1).
func Expr(_ context.Context, c *command.Call) (int, error) {
	args := c.Args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	e := exprParser{args: args}
	v := e.or()
	if e.err == nil && len(e.args) > 0 {
		e.err = fmt.Errorf("syntax error: unexpected argument '%s'", e.args[0])
	}
	if e.err != nil {
		return c.Complain(2, "%v", e.err)
	}
	c.Say("%s", v)
	if exprFalse(v) {
		return 1, nil
	}
	return 0, nil
}

func exprFalse(v string) bool {
	n, err := strconv.Atoi(v)
	return v == "" || err == nil && n == 0
}

type exprParser struct {
	args []string
	err  error
}

func (e *exprParser) next(ops ...string) (string, bool) {
	if len(e.args) == 0 || e.err != nil {
		return "", false
	}
	for _, op := range ops {
		if e.args[0] == op {
			e.args = e.args[1:]
			return op, true
		}
	}
	return "", false
}

func (e *exprParser) fail(text string) string {
	if e.err == nil {
		e.err = fmt.Errorf("%s", text)
	}
	return ""
}

func (e *exprParser) or() string {
	v := e.and()
	for {
		if _, ok := e.next("|"); !ok {
			return v
		}
		if w := e.and(); exprFalse(v) {
			v = w
			if exprFalse(v) {
				v = "0"
			}
		}
	}
}

func (e *exprParser) and() string {
	v := e.compare()
	for {
		if _, ok := e.next("&"); !ok {
			return v
		}
		if w := e.compare(); exprFalse(v) || exprFalse(w) {
			v = "0"
		}
	}
}

func (e *exprParser) compare() string {
	v := e.add()
	for {
		op, ok := e.next("<", "<=", "=", "==", "!=", ">=", ">")
		if !ok {
			return v
		}
		w := e.add()
		n := strings.Compare(v, w)
		a, errA := strconv.Atoi(v)
		b, errB := strconv.Atoi(w)
		if errA == nil && errB == nil {
			n = a - b
		}
		truth := map[string]bool{"<": n < 0, "<=": n <= 0, "=": n == 0, "==": n == 0, "!=": n != 0, ">=": n >= 0, ">": n > 0}[op]
		v = "0"
		if truth {
			v = "1"
		}
	}
}

func (e *exprParser) numbers(v, w string) (int, int) {
	a, errA := strconv.Atoi(v)
	b, errB := strconv.Atoi(w)
	if errA != nil || errB != nil {
		e.fail("non-integer argument")
	}
	return a, b
}

func (e *exprParser) add() string {
	v := e.multiply()
	for {
		op, ok := e.next("+", "-")
		if !ok {
			return v
		}
		a, b := e.numbers(v, e.multiply())
		if op == "-" {
			b = -b
		}
		v = strconv.Itoa(a + b)
	}
}

func (e *exprParser) multiply() string {
	v := e.match()
	for {
		op, ok := e.next("*", "/", "%")
		if !ok {
			return v
		}
		a, b := e.numbers(v, e.match())
		switch {
		case op == "*":
			v = strconv.Itoa(a * b)
		case b == 0:
			return e.fail("division by zero")
		case op == "/":
			v = strconv.Itoa(a / b)
		default:
			v = strconv.Itoa(a % b)
		}
	}
}

func (e *exprParser) match() string {
	v := e.primary()
	for {
		if _, ok := e.next(":"); !ok {
			return v
		}
		v = e.matched(v, e.primary())
	}
}

// matched is string : expression, anchored at the start.
func (e *exprParser) matched(text, pattern string) string {
	re, err := regex.Compile("^"+strings.TrimPrefix(pattern, "^"), false, "s")
	if err != nil {
		return e.fail(err.Error())
	}
	m := re.FindStringSubmatchIndex(text)
	switch {
	case regex.Exhausted(re):
		return e.fail("its back-references take too long")
	case re.NumSubexp() > 0 && (m == nil || m[2] < 0):
		return ""
	case re.NumSubexp() > 0:
		return text[m[2]:m[3]]
	case m == nil:
		return "0"
	}
	return strconv.Itoa(m[1])
}

func (e *exprParser) primary() string {
	if len(e.args) == 0 {
		return e.fail("syntax error: missing argument")
	}
	word := e.args[0]
	e.args = e.args[1:]
	switch {
	case word == "(":
		v := e.or()
		if _, ok := e.next(")"); !ok {
			return e.fail("syntax error: expecting ')'")
		}
		return v
	case word == "+" && len(e.args) > 0:
		word = e.args[0]
		e.args = e.args[1:]
	case word == "length" && len(e.args) > 0:
		return strconv.Itoa(len(e.primary()))
	case word == "match" && len(e.args) > 1:
		text := e.primary()
		return e.matched(text, e.primary())
	case word == "substr" && len(e.args) > 2:
		text := e.primary()
		from, length := e.numbers(e.primary(), e.primary())
		if from < 1 || length < 1 || from > len(text) {
			return ""
		}
		return text[from-1 : min(len(text), from-1+length)]
	case word == "index" && len(e.args) > 1:
		text := e.primary()
		return strconv.Itoa(strings.IndexAny(text, e.primary()) + 1)
	}
	return word
}
