package copyright

import (
	"slices"
	"strings"
)

// expression is an SPDX licence expression: a licence, or several joined by one
// operator. What is below an AND is a licence or an OR, and the other way round.
type expression struct {
	op   string // "AND", "OR"; empty: a licence
	id   string // "GPL-2.0-or-later WITH Bison-exception-2.2"
	kids []expression
}

// String writes it as SPDX does, with no more parentheses than it needs.
func (e expression) String() string {
	if e.op == "" {
		return e.id
	}
	var parts []string
	for _, k := range e.kids {
		s := k.String()
		if k.op == "OR" {
			s = "(" + s + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " "+e.op+" ")
}

// join puts expressions together, each once, in the order of the alphabet: that of a
// file means nothing, and equal expressions are to look the same.
func join(op string, list ...expression) expression {
	joined := expression{op: op}
	keys := map[string]string{} // of what is there already, to sort by
	for _, e := range list {
		flat := []expression{e}
		if e.op == op {
			flat = e.kids
		}
		for _, k := range flat {
			if s := k.String(); s != "" && keys[s] == "" {
				keys[s] = strings.ToLower(s) + "\n" + s
				joined.kids = append(joined.kids, k)
			}
		}
	}
	slices.SortFunc(joined.kids, func(a, b expression) int { return strings.Compare(keys[a.String()], keys[b.String()]) })
	switch len(joined.kids) {
	case 0:
		return expression{}
	case 1:
		return joined.kids[0]
	}
	return joined
}

// Identifiers are the licences that an SPDX expression names, each once, sorted, with its
// exception: "GPL-2.0-only WITH Linux-syscall-note". Of a choice (OR), all are among them.
func Identifiers(expression string) []string {
	ids := []string{}
	words := strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(expression))
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "AND" || words[i] == "OR":
		case words[i] == "WITH" && len(ids) > 0 && i+1 < len(words):
			i++
			ids[len(ids)-1] += " WITH " + words[i]
		default:
			ids = append(ids, words[i])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// parser reads the first line of a License field: short names joined by "and" and
// "or", of which "and" binds closer, but for a comma before the operator (copyright
// format 1.0, section 7.2, License syntax). Parentheses, which SPDX has, are taken as
// what they are there.
type parser struct {
	words []string
	name  func(string) expression // of one licence
}

// mostWords bounds the line; mostDepth the parentheses.
const (
	mostWords = 4000
	mostDepth = 50
)

// parse reads a line; it is false where the line is not of this form.
func parse(line string, name func(string) expression) (expression, bool) {
	p := &parser{words: lex(line), name: name}
	if len(p.words) == 0 || len(p.words) > mostWords {
		return expression{}, false
	}
	e, ok := p.list(0)
	return e, ok && len(p.words) == 0
}

// lex cuts a line into words, commas, and the parentheses that group.
func lex(line string) []string {
	var words []string
	groups := strings.Contains(line, "(") && balanced(line)
	for _, w := range strings.Fields(line) {
		for groups && strings.HasPrefix(w, "(") {
			words, w = append(words, "("), w[1:]
		}
		var tail []string
		for {
			if cut, ok := strings.CutSuffix(w, ","); ok {
				w, tail = cut, append(tail, ",")
			} else if cut, ok := strings.CutSuffix(w, ")"); ok && groups {
				w, tail = cut, append(tail, ")")
			} else {
				break
			}
		}
		if w != "" {
			words = append(words, w)
		}
		slices.Reverse(tail)
		words = append(words, tail...)
	}
	return words
}

// balanced tells whether each pair of parentheses holds licences and an operator: in
// "BSD (3 clause)" they are part of the name.
func balanced(line string) bool {
	depth := 0
	var inner []bool
	for _, w := range strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(line)) {
		switch {
		case w == "(":
			depth++
			inner = append(inner, false)
		case w == ")":
			if depth--; depth < 0 || !inner[len(inner)-1] {
				return false
			}
			if inner = inner[:depth]; depth > 0 {
				inner[depth-1] = true
			}
		case operator(w) != "" && depth > 0:
			inner[depth-1] = true
		}
	}
	return depth == 0
}

func operator(word string) string {
	switch strings.ToLower(word) {
	case "and":
		return "AND"
	case "or", "and/or":
		return "OR"
	}
	return ""
}

// list reads terms between commas: "A or B, and C" is (A or B) and C; in a list such
// as "A, B or C" the operator that comes stands for the commas before it.
func (p *parser) list(depth int) (expression, bool) {
	e, ok := p.either(depth)
	var waiting []expression
	for ok && len(p.words) > 0 && p.words[0] == "," {
		p.words = p.words[1:]
		op := ""
		if len(p.words) > 0 {
			op = operator(p.words[0])
		}
		if op == "" {
			waiting = append(waiting, e)
			if e, ok = p.either(depth); ok && e.op != "" {
				e, waiting = join(e.op, append(waiting, e)...), nil
			}
			continue
		}
		p.words = p.words[1:]
		var next expression
		if next, ok = p.either(depth); ok {
			e, waiting = join(op, append(waiting, e, next)...), nil
		}
	}
	return join("AND", append(waiting, e)...), ok
}

func (p *parser) either(depth int) (expression, bool) {
	return p.joined("OR", func() (expression, bool) {
		return p.joined("AND", func() (expression, bool) { return p.single(depth) })
	})
}

func (p *parser) joined(op string, next func() (expression, bool)) (expression, bool) {
	e, ok := next()
	all := []expression{e}
	for ok && len(p.words) > 0 && operator(p.words[0]) == op {
		p.words = p.words[1:]
		e, ok = next()
		all = append(all, e)
	}
	return join(op, all...), ok
}

// single reads one licence, or what stands in parentheses.
func (p *parser) single(depth int) (expression, bool) {
	if len(p.words) > 0 && p.words[0] == "(" {
		if depth == mostDepth {
			return expression{}, false
		}
		p.words = p.words[1:]
		e, ok := p.list(depth + 1)
		if !ok || len(p.words) == 0 || p.words[0] != ")" {
			return expression{}, false
		}
		p.words = p.words[1:]
		return e, true
	}
	n := 0
	for n < len(p.words) && operator(p.words[n]) == "" && !slices.Contains([]string{",", "(", ")"}, p.words[n]) {
		n++
	}
	if n == 0 {
		return expression{}, false
	}
	name := strings.Join(p.words[:n], " ")
	p.words = p.words[n:]
	return p.name(name), true
}
