package awk

import (
	"math"
	"strings"
)

// builtin is a function of the language: how many arguments it takes, and whether it
// can stand without parentheses.
type builtin struct {
	min, max int
	bare     bool
}

var builtins = map[string]builtin{
	"length": {0, 1, true}, "substr": {2, 3, false}, "index": {2, 2, false}, "split": {2, 3, false}, "sub": {2, 3, false}, "gsub": {2, 3, false}, "match": {2, 2, false},
	"sprintf": {1, math.MaxInt32, false}, "tolower": {1, 1, false}, "toupper": {1, 1, false},
	"sin": {1, 1, false}, "cos": {1, 1, false}, "atan2": {2, 2, false}, "exp": {1, 1, false}, "log": {1, 1, false}, "sqrt": {1, 1, false}, "int": {1, 1, false},
	"close": {1, 1, false}, "fflush": {0, 1, true},
	"system": {1, 1, false}, "rand": {0, 0, false}, "srand": {0, 1, false}, "systime": {0, 0, false}, "strftime": {0, 3, false}, "mktime": {1, 2, false},
}

func (in *interpreter) builtin(c *builtinCall) value {
	switch c.name {
	case "length":
		return in.length(c.args)
	case "split":
		return in.splitInto(c.args)
	case "sub", "gsub":
		return in.substitute(c)
	case "match":
		return in.match(c.args)
	case "system", "rand", "srand", "systime", "strftime", "mktime":
		in.stop(&UnsupportedError{c.name + "()"})
	}
	args := make([]value, len(c.args))
	for i, e := range c.args {
		args[i] = in.eval(e)
	}
	switch c.name {
	case "substr":
		return in.substr(args)
	case "index":
		s, t := in.text(args[0]), in.text(args[1])
		in.spend(len(s))
		return number(float64(strings.Index(s, t) + 1))
	case "sprintf":
		return text(in.sprintf(in.text(args[0]), args[1:]))
	case "tolower", "toupper":
		return in.changeCase(c.name, in.text(args[0]))
	case "close":
		return number(float64(in.close(in.text(args[0]))))
	case "fflush":
		return number(float64(in.flush(args)))
	case "atan2":
		return number(math.Atan2(in.float(args[0]), in.float(args[1])))
	}
	return number(calculate(c.name, in.float(args[0])))
}

func calculate(name string, f float64) float64 {
	switch name {
	case "sin":
		return math.Sin(f)
	case "cos":
		return math.Cos(f)
	case "exp":
		return math.Exp(f)
	case "log":
		return math.Log(f)
	case "sqrt":
		return math.Sqrt(f)
	}
	return math.Trunc(f)
}

func (in *interpreter) length(args []expr) value {
	if len(args) == 0 {
		return number(float64(len(in.wholeRecord())))
	}
	if v, ok := args[0].(*variable); ok {
		if a := in.array(v.symbol); a != nil {
			return number(float64(len(a.elements)))
		}
	}
	return number(float64(len(in.text(in.eval(args[0])))))
}

// substr drops the fractions of both numbers, as mawk does where POSIX rounds; and as in
// mawk, a beginning below 0 makes the piece longer by that, where POSIX has it shorter.
func (in *interpreter) substr(args []value) value {
	s := in.text(args[0])
	from, length := integer(in.float(args[1])), len(s)
	if len(args) == 3 {
		length = integer(in.float(args[2]))
	}
	if from < 0 {
		length -= from
	}
	first := max(from, 1) - 1
	if first >= len(s) || length <= 0 {
		return text("")
	}
	return value{kind: isText, str: s[first:min(first+length, len(s))], shared: true}
}

// changeCase changes the letters of ASCII.
func (in *interpreter) changeCase(name, s string) value {
	in.reserve(len(s))
	b := []byte(s)
	low := byte('a')
	if name == "tolower" {
		low = 'A'
	}
	for i, c := range b {
		if low <= c && c < low+26 {
			b[i] = c ^ 0x20
		}
	}
	return text(string(b))
}

func (in *interpreter) match(args []expr) value {
	s := in.text(in.eval(args[0]))
	m := in.find(in.regexOf(args[1]), s, 0)
	start, length := m.Start+1, m.End-m.Start
	if m.Start < 0 {
		start, length = 0, -1
	}
	in.globals[varRSTART].value = number(float64(start))
	in.globals[varRLENGTH].value = number(float64(length))
	return number(float64(start))
}

// splitInto is split(s, a, fs).
func (in *interpreter) splitInto(args []expr) value {
	s := strings.Clone(in.text(in.eval(args[0])))
	in.reserve(len(s))
	sep := separator{text: in.special(varFS)}
	if len(args) == 3 {
		sep = in.separatorOf(args[2])
	}
	a := in.array(args[1].(*variable).symbol)
	in.clear(a)
	a.listed = 0
	n := 0
	in.cut(s, sep, func(one string) {
		n++
		k, _ := wholeKey(float64(n))
		in.setElement(a, k, part(one))
	})
	return number(float64(n))
}
