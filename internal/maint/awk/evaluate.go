package awk

import (
	"math"
	"strings"

	"kiln/internal/maint/regex"
)

// eval evaluates an expression.
func (in *interpreter) eval(e expr) value {
	in.step()
	in.deeper()
	v := in.compute(e)
	in.depth--
	return v
}

func (in *interpreter) compute(e expr) value {
	switch e := e.(type) {
	case *numberLiteral:
		return e.value
	case *stringLiteral:
		return e.value
	case *variable:
		return in.get(e.symbol)
	case *field:
		return in.field(in.fieldNumber(e))
	case *element:
		return in.element(in.array(e.array), in.key(e.keys)).value
	case *regexLiteral:
		return truth(in.matches(e.re, in.wholeRecord()))
	case *group:
		return in.eval(e.list[0])
	case *unary:
		return in.unary(e)
	case *binary:
		return in.binary(e)
	case *concatenation:
		return in.concatenate(e)
	case *conditional:
		if in.holds(in.eval(e.test)) {
			return in.eval(e.yes)
		}
		return in.eval(e.no)
	case *assignment:
		return in.assignment(e)
	case *increment:
		return in.increment(e)
	case *membership:
		k := in.key(e.keys)
		return truth(in.array(e.array).find(k) != nil)
	case *call:
		return in.call(e)
	case *builtinCall:
		return in.builtin(e)
	case *getline:
		return in.getline(e)
	}
	panic("bug: an expression without a meaning")
}

func (in *interpreter) unary(e *unary) value {
	v := in.eval(e.operand)
	switch e.op {
	case "!":
		return truth(!in.holds(v))
	case "-":
		return number(-in.float(v))
	}
	return number(in.float(v))
}

func (in *interpreter) binary(e *binary) value {
	switch e.op {
	case "||":
		return truth(in.holds(in.eval(e.left)) || in.holds(in.eval(e.right)))
	case "&&":
		return truth(in.holds(in.eval(e.left)) && in.holds(in.eval(e.right)))
	case "~", "!~":
		s := in.text(in.eval(e.left))
		return truth(in.matches(in.regexOf(e.right), s) == (e.op == "~"))
	}
	left := in.eval(e.left)
	right := in.eval(e.right)
	switch e.op {
	case "<", "<=", "==", "!=", ">", ">=":
		return truth(in.compare(e.op, left, right))
	}
	return number(arithmetic(e.op, in.float(left), in.float(right)))
}

func arithmetic(op kind, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "%":
		return math.Mod(a, b)
	}
	return math.Pow(a, b)
}

// compare compares numbers where both sides are some, and else bytes.
func (in *interpreter) compare(op kind, left, right value) bool {
	a, isNumeric := in.numeric(left)
	b, both := in.numeric(right)
	if isNumeric && both {
		return ordered(op, sign(a, b))
	}
	s, t := in.text(left), in.text(right)
	in.spend(min(len(s), len(t)))
	return ordered(op, strings.Compare(s, t))
}

// sign is how a stands to b. What is no number equals all others, as in mawk.
func sign(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func ordered(op kind, sign int) bool {
	switch op {
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case "==":
		return sign == 0
	case "!=":
		return sign != 0
	case ">":
		return sign > 0
	}
	return sign >= 0
}

func (in *interpreter) concatenate(e *concatenation) value {
	parts := make([]string, len(e.parts))
	size := 0
	for i, one := range e.parts {
		parts[i] = in.text(in.eval(one))
		size += len(parts[i])
	}
	in.reserve(size)
	return text(strings.Join(parts, ""))
}

// regexOf is the right side of ~, or the argument of match, split, sub and gsub.
func (in *interpreter) regexOf(e expr) *regex.Automaton {
	if g, ok := e.(*group); ok && len(g.list) == 1 {
		e = g.list[0]
	}
	if r, ok := e.(*regexLiteral); ok {
		return r.re
	}
	return in.pattern(in.text(in.eval(e)))
}

// assignment evaluates the index of its target first, as mawk does.
func (in *interpreter) assignment(e *assignment) value {
	p := in.place(e.target)
	v := in.eval(e.value)
	if e.op != "" {
		v = number(arithmetic(e.op, in.float(in.load(p)), in.float(v)))
	}
	in.store(p, v)
	return v
}

func (in *interpreter) increment(e *increment) value {
	p := in.place(e.target)
	old := in.float(in.load(p))
	in.store(p, number(old+e.by))
	if e.postfix {
		return number(old)
	}
	return number(old + e.by)
}

// place is what can be assigned to, its index evaluated.
type place struct {
	symbol *symbol
	array  *array
	key    key
	field  int
}

func (in *interpreter) place(e expr) place {
	switch e := e.(type) {
	case *variable:
		return place{symbol: e.symbol}
	case *element:
		return place{array: in.array(e.array), key: in.key(e.keys)}
	case *field:
		return place{field: in.fieldNumber(e)}
	}
	panic("bug: an assignment to what is no variable")
}

func (in *interpreter) load(p place) value {
	switch {
	case p.symbol != nil:
		return in.get(p.symbol)
	case p.array != nil:
		return in.element(p.array, p.key).value
	}
	return in.field(p.field)
}

func (in *interpreter) store(p place, v value) {
	switch {
	case p.symbol != nil:
		in.set(p.symbol, v)
	case p.array != nil:
		in.setElement(p.array, p.key, v)
	default:
		in.setField(p.field, v)
	}
}

func (in *interpreter) assign(target expr, v value) { in.store(in.place(target), v) }

func (in *interpreter) fieldNumber(e *field) int {
	n := in.float(in.eval(e.index))
	if n < 0 {
		in.fail("negative field index $%d", integer(n))
	}
	return integer(n)
}
