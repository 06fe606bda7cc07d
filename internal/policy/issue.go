package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"

	"kiln/internal/recipe"
)

// issues turns what CEL says of an expression into problems at their places, in the
// words of a policy's author.
func (c *compiler) issues(part, text string, offset int, env *cel.Env, all *cel.Issues) {
	for i, issue := range all.Errors() {
		if i == mostIssues {
			return
		}
		at := place(text, issue.Location)
		p := c.explain(text, env, issue)
		if r := []rune(text); at < len(r) && r[at] == '.' { // of a selection, CEL tells the place of the dot
			switch {
			case noField.MatchString(issue.Message):
				at++
			case p.dotted > 0:
				at = max(0, at-p.dotted)
			}
		}
		c.RefuseInside(part, offset+at, max(p.length, 1), p.text, p.note, p.suggestion)
	}
}

// mostIssues bounds what is told of one expression: the first ones cause the others.
const mostIssues = 3

// place is the offset of a location, which has a line from 1 and a column from 0.
func place(text string, l common.Location) int {
	lines := strings.SplitAfter(text, "\n")
	at := 0
	for i := 0; i < min(l.Line()-1, len(lines)); i++ {
		at += runes(lines[i])
	}
	return max(0, min(at+l.Column(), runes(text)))
}

type explained struct {
	text, note, suggestion string
	length                 int
	dotted                 int // characters of a name before its dot
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	reserved   = regexp.MustCompile(`reserved identifier: (\w+)`)
)

func (c *compiler) explain(text string, env *cel.Env, issue *cel.Error) explained {
	m := issue.Message
	if name := undeclared.FindStringSubmatch(m); name != nil {
		return c.explainName(name[1], env)
	}
	if name := noField.FindStringSubmatch(m); name != nil {
		known := c.fieldsOf(text, env, issue.ExprID)
		e := explained{text: fmt.Sprintf("unknown field %q", name[1]), suggestion: recipe.Nearest(name[1], known), length: runes(name[1])}
		if e.suggestion == "" && len(known) > 0 && len(known) < 40 {
			e.note = "known: " + strings.Join(known, ", ")
		}
		return e
	}
	if call := noOverload.FindStringSubmatch(m); call != nil {
		return explained{text: fmt.Sprintf("%s does not go with %s", operator(call[1]), plain(call[2])), length: 1}
	}
	if name := reserved.FindStringSubmatch(m); name != nil {
		e := explained{text: fmt.Sprintf("%q is a word that CEL keeps for itself", name[1]), length: len(name[1])}
		if name[1] == "package" {
			e.note = "one of packages is called pkg"
		}
		return e
	}
	if rest, ok := strings.CutPrefix(m, "Syntax error: "); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		if strings.Contains(rest, "'<EOF>'") {
			rest = "the expression ends too early"
		}
		return explained{text: "not a CEL expression: " + plain(rest), note: "texts stand in quotes, names do not; && is and, || is or, ! is not", length: 1}
	}
	switch {
	case m == "invalid matches argument", strings.Contains(m, "regex program"):
		return explained{text: "not a regular expression that can be used", note: "RE2's syntax, https://github.com/google/re2/wiki/Syntax, and at most 10,000 steps", length: 1}
	case m == "invalid duration argument":
		return explained{text: "not a duration", note: "write duration(\"12h\"), or days(30)", length: 1}
	case m == "comprehension exceeds nesting limit":
		return explained{text: "a loop in a loop in a loop", note: "use for:, or a variable, for the outer one", length: 1}
	}
	return explained{text: plain(m), length: 1}
}

// explainName explains a name that nothing has.
func (c *compiler) explainName(name string, env *cel.Env) explained {
	e := explained{text: fmt.Sprintf("unknown name %q", name), length: runes(name), dotted: strings.IndexByte(name, '.')}
	for _, f := range c.schema.top.Fields {
		if f.Each == name {
			e.note = fmt.Sprintf("it is one of %s: write for: %s, or go through them: %s.all(x, ...)", f.Name, f.Name, f.Name)
			return e
		}
	}
	known := slices.Clone(c.known)
	for _, v := range env.Variables() {
		known = append(known, v.Name())
	}
	for _, f := range Functions() {
		known = append(known, f.name)
	}
	known = append(known, "startsWith", "endsWith", "contains", "matches", "size", "exists", "all", "filter", "map", "duration", "timestamp")
	slices.Sort(known)
	if name == "params" || name == "variables" {
		e.note = "known: " + strings.Join(slices.DeleteFunc(c.known, func(s string) bool { return !strings.HasPrefix(s, name+".") }), ", ")
		if e.note == "known: " {
			e.note = "none is declared above this"
		}
		return e
	}
	if e.suggestion = recipe.Nearest(name, known); e.suggestion == "" {
		e.note = "known: " + strings.Join(c.schema.top.Names(), ", ") + ", " + nowName
	}
	return e
}

// fieldsOf lists the fields of what a selection is on: of a name that is declared,
// those of its type; else of all types, since nothing tells.
func (c *compiler) fieldsOf(text string, env *cel.Env, id int64) []string {
	var known []string
	parsed, issues := env.Parse(text)
	if issues.Err() == nil {
		ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if e.ID() != id || e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.IdentKind {
				return
			}
			for _, v := range env.Variables() {
				if v.Name() == e.AsSelect().Operand().AsIdent() {
					if t := c.schema.byName[v.Type().TypeName()]; t != nil {
						known = t.Names()
					}
				}
			}
		}))
	}
	if known != nil {
		return known
	}
	for _, name := range c.schema.top.Names() {
		f, _ := c.schema.top.Field(name)
		for _, s := range c.schema.byName {
			if s.Name == f.Each || s.Name == f.Name {
				known = append(known, s.Names()...)
			}
		}
	}
	return known
}

// operator is what people write for CEL's name of a function.
func operator(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(name, "_", ""), "@"), "@")
}

var (
	wrapped    = regexp.MustCompile(`wrapper\((\w+)\)`)
	typePrefix = regexp.MustCompile(`\bfacts\.`)
	errorPlace = regexp.MustCompile(`^ERROR: <input>:\d+:\d+: |\(in container '[^']*'\)`)
)

// plain takes CEL's ways out of a message, and all but its first line.
func plain(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s = typePrefix.ReplaceAllString(wrapped.ReplaceAllString(errorPlace.ReplaceAllString(s, ""), "$1"), "")
	return strings.TrimSpace(shortenTo(s, 300))
}

func shortenTo(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// article names a type for people.
func article(t *cel.Type) string {
	switch t {
	case cel.BoolType:
		return "true or false"
	case cel.StringType:
		return "a text"
	case cel.IntType:
		return "a number"
	}
	return "a " + typePrefix.ReplaceAllString(cel.FormatCELType(t), "")
}
