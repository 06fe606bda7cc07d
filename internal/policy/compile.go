package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"

	"kiln/internal/facts"
	"kiln/internal/recipe"
)

// Limits of a policy.
const (
	maxRules     = 200
	maxVariables = 100
	maxParams    = 100
)

// expression is a compiled CEL expression.
type expression struct {
	program cel.Program
	result  *cel.Type
	uses    []string // names of facts, "now" and "variables.x", sorted
}

// compiler turns a document into a Policy, and tells all that is wrong with it.
type compiler struct {
	*recipe.Strict
	schema *schema
	env    *cel.Env         // with what the whole file sees
	each   map[string]scope // with one of a list
	known  []string         // names that the policy declares, for suggestions
	costs  []cost.TrackerOption

	selected map[string]bool // names of fields that expressions select
}

// scope is what an expression sees, and what it may cost.
type scope struct {
	*cel.Env
	limit uint64
}

func (c *compiler) whole() scope { return scope{c.env, wholeCost} }

var (
	isName = regexp.MustCompile(namePattern).MatchString
	isWord = regexp.MustCompile(wordPattern).MatchString
)

// policy compiles the whole document.
func (c *compiler) policy(d *document) *Policy {
	p := &Policy{Name: d.Name, Summary: d.Summary, schema: c.schema}
	if d.Policy != formatV1 && c.Written("policy") {
		c.Refuse("policy", fmt.Sprintf("unknown policy format %q", d.Policy), "", formatV1)
	}
	c.name("name", d.Name, isName, "small letters and digits, joined by -")
	c.filled("summary", d.Summary)
	c.params(p, d.Params)
	c.variables(p, d.Variables)
	switch {
	case len(d.Rules) == 0:
		c.Refuse("rules", "a policy wants at least one rule", "", "")
	case len(d.Rules) > maxRules:
		c.Refuse("rules", fmt.Sprintf("too many rules: %d, at most %d", len(d.Rules), maxRules), "make two policies of it", "")
		return p
	}
	seen := map[string]int{}
	for i := range d.Rules {
		part := fmt.Sprintf("rules[%d]", i)
		c.once(seen, part+".name", d.Rules[i].Name, "rule")
		p.Rules = append(p.Rules, c.rule(part, &d.Rules[i]))
	}
	p.selected = c.selected
	p.settleUses()
	return p
}

// name checks the form of a name.
func (c *compiler) name(part, s string, valid func(string) bool, want string) {
	if c.Written(part) && (len(s) > 64 || !valid(s)) {
		c.Refuse(part, fmt.Sprintf("want %s, got %q", want, shorten(s)), "", "")
	}
}

func (c *compiler) filled(part, s string) {
	if c.Written(part) && strings.TrimSpace(s) == "" {
		c.Refuse(part, "this text is empty", "", "")
	}
}

// once refuses a name that is there twice.
func (c *compiler) once(seen map[string]int, part, name, noun string) {
	if !c.Written(part) {
		return
	}
	if line, twice := seen[name]; twice {
		c.Refuse(part, fmt.Sprintf("%s %q twice", noun, name), fmt.Sprintf("it is already in line %d", line), "")
		return
	}
	seen[name] = c.Line(part)
}

// oneOf checks a word.
func (c *compiler) oneOf(part, s, noun string, known []string) bool {
	if !c.Written(part) {
		return false
	}
	if slices.Contains(known, s) {
		return true
	}
	suggestion, note := recipe.Nearest(s, known), ""
	if suggestion == "" {
		note = "known: " + strings.Join(known, ", ")
	}
	c.Refuse(part, fmt.Sprintf("unknown %s %q", noun, shorten(s)), note, suggestion)
	return false
}

// declare adds a variable to what expressions see.
func (c *compiler) declare(name string, t *cel.Type) {
	env, err := c.env.Extend(cel.Variable(name, t))
	if err != nil {
		panic("bug: cannot declare " + name + ": " + err.Error())
	}
	c.env = env
	c.known = append(c.known, name)
}

func (c *compiler) params(p *Policy, list []param) {
	seen := map[string]int{}
	if len(list) > maxParams {
		c.Refuse("params", fmt.Sprintf("too many parameters: %d, at most %d", len(list), maxParams), "", "")
		return
	}
	for i, in := range list {
		part := fmt.Sprintf("params[%d]", i)
		c.name(part+".name", in.Name, isWord, "small letters, digits and _")
		c.once(seen, part+".name", in.Name, "parameter")
		if !c.oneOf(part+".type", in.Type, "type of a parameter", ParamTypes()) || !c.Usable(part+".name") || !isWord(in.Name) {
			continue
		}
		param := Param{Name: in.Name, Type: in.Type, Summary: in.Summary, Default: in.Default}
		if c.Written(part + ".default") {
			if _, err := param.value(in.Default); err != nil {
				c.Refuse(part+".default", err.Error(), "", "")
			}
		}
		p.Params = append(p.Params, param)
		c.declare("params."+in.Name, param.celType())
	}
}

func (c *compiler) variables(p *Policy, list []variable) {
	seen := map[string]int{}
	if len(list) > maxVariables {
		c.Refuse("variables", fmt.Sprintf("too many variables: %d, at most %d", len(list), maxVariables), "", "")
		return
	}
	for i, in := range list {
		part := fmt.Sprintf("variables[%d]", i)
		c.name(part+".name", in.Name, isWord, "small letters, digits and _")
		c.once(seen, part+".name", in.Name, "variable")
		e, ok := c.expression(part+".value", in.Value, 0, c.whole(), nil)
		if !c.Usable(part+".name") || !isWord(in.Name) || seen[in.Name] != c.Line(part+".name") {
			continue
		}
		t := cel.DynType // of one that is wrong: what uses it is not wrong for that
		if ok {
			t = e.result
			p.variables = append(p.variables, compiledVariable{name: "variables." + in.Name, expression: e})
		}
		c.declare("variables."+in.Name, t)
	}
}

// expression compiles what stands in text, which begins at an offset of the value of
// a part. want is its type; nil for any.
func (c *compiler) expression(part, text string, offset int, in scope, want *cel.Type) (*expression, bool) {
	if !c.Written(part) {
		return nil, false
	}
	if strings.TrimSpace(text) == "" {
		c.Refuse(part, "this expression is empty", "", "")
		return nil, false
	}
	checked, issues := in.Compile(text)
	if issues.Err() != nil {
		c.issues(part, text, offset, in.Env, issues)
		return nil, false
	}
	if want != nil && !checked.OutputType().IsExactType(want) {
		c.RefuseInside(part, offset, runes(strings.TrimRight(text, "\n")), fmt.Sprintf("want an expression that is %s, this is %s", article(want), article(checked.OutputType())), "", "")
		return nil, false
	}
	program, err := in.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(in.limit), cel.CostTrackerOptions(c.costs...), cel.InterruptCheckFrequency(1000))
	if err != nil {
		c.RefuseInside(part, offset, runes(text), plain(err.Error()), "", "")
		return nil, false
	}
	return &expression{program, checked.OutputType(), c.uses(checked.NativeRep())}, true
}

// uses lists the facts that an expression names.
func (c *compiler) uses(tree *ast.AST) []string {
	var all []string
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.SelectKind {
			c.selected[e.AsSelect().FieldName()] = true
		}
		if e.Kind() == ast.IdentKind {
			name := e.AsIdent()
			if _, top := c.schema.top.Field(name); top || name == nowName || strings.HasPrefix(name, "variables.") {
				all = append(all, name)
			}
		}
	}))
	slices.Sort(all)
	return slices.Compact(all)
}

// eachEnv is the language of a rule that goes through a list.
func (c *compiler) eachEnv(f facts.Field) scope {
	if s, ok := c.each[f.Name]; ok {
		return s
	}
	env, err := c.env.Extend(cel.Variable(f.Each, c.schema.celType(f.Type.Elem())))
	if err != nil {
		panic("bug: cannot declare " + f.Each + ": " + err.Error())
	}
	c.each[f.Name] = scope{env, itemCost}
	return c.each[f.Name]
}

// lists are what rules can go through.
func (c *compiler) lists() []string {
	var names []string
	for _, f := range c.schema.top.Fields {
		if f.Each != "" {
			names = append(names, f.Name)
		}
	}
	return names
}

func (c *compiler) rule(part string, in *rule) *Rule {
	r := &Rule{Name: in.Name, For: in.For, Severity: in.Severity, Why: in.Why, Line: c.Line(part)}
	c.name(part+".name", in.Name, isName, "small letters and digits, joined by -")
	c.filled(part+".why", in.Why)
	if c.Written(part + ".severity") {
		c.oneOf(part+".severity", in.Severity, "severity", Severities())
	} else {
		r.Severity = deny
	}
	env, loops := c.whole(), c.Written(part+".for")
	if loops && !c.oneOf(part+".for", in.For, "list of facts", c.lists()) {
		return r // its expressions would be wrong for that alone
	}
	if loops {
		f, _ := c.schema.top.Field(in.For)
		env, r.each = c.eachEnv(f), f
	}
	r.assert, _ = c.expression(part+".assert", in.Assert, 0, env, cel.BoolType)
	r.when, _ = c.expression(part+".when", in.When, 0, env, cel.BoolType)
	r.message = c.text(part+".message", in.Message, env)
	r.fix = c.text(part+".fix", in.Fix, env)
	for i, e := range in.Except {
		r.except = append(r.except, c.exception(fmt.Sprintf("%s.except[%d]", part, i), e, loops))
	}
	return r
}

func (c *compiler) exception(part string, e exception, loops bool) Exception {
	c.filled(part+".why", e.Why)
	if loops && e.Path == "" && e.Package == "" && e.Item == "" {
		c.Refuse(part, "an exception from a rule that goes through a list says what it is for", "add path:, package: or item:", "")
	}
	for _, p := range []struct{ key, pattern string }{{"path", e.Path}, {"package", e.Package}, {"item", e.Item}} {
		if c.Written(part + "." + p.key) {
			if _, err := parseGlob(p.pattern); err != nil || p.pattern == "" {
				c.Refuse(part+"."+p.key, fmt.Sprintf("%q is no pattern", shorten(p.pattern)), "", "")
			}
		}
	}
	return Exception(e)
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
