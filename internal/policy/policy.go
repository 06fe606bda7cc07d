// Package policy judges images: rules in CEL (the Common Expression Language,
// https://cel.dev) over package facts. A policy is a YAML file that is read as strictly
// as a recipe, and every expression in it is checked against the types of the facts
// when it is read: a field that is not there is an error at its place, not a rule that
// never speaks. What a policy may cost is bounded, whoever wrote it. A rule that
// needs a fact which is not known does not pass: it is a finding of its own.
//
// The policies that come with kiln are files of the same form (builtin/*.yaml).
package policy

import (
	"slices"
	"strings"

	"kiln"
	"kiln/internal/facts"
	"kiln/internal/recipe"
)

// Policy is a policy that was read and whose expressions are compiled. It may be used
// by several goroutines.
type Policy struct {
	File    string // as messages call it
	Name    string
	Summary string
	Text    []byte
	Params  []Param
	Rules   []*Rule

	schema    *schema
	variables []compiledVariable
	selected  map[string]bool // names of fields that it asks for
}

type compiledVariable struct {
	name string // "variables.shells"
	*expression
}

// Rule is one rule of a policy.
type Rule struct {
	Name     string
	For      string // the list that it goes through; empty: the image as a whole
	Severity string // "deny" or "warn"
	Why      string
	Line     int // of the file, from 1

	each         facts.Field
	when, assert *expression
	message, fix message
	except       []Exception
	uses         []string // facts and "now", those of its variables included
}

// Load reads a policy; file is what messages call it.
func Load(file string, src []byte) (*Policy, recipe.Problems) {
	var d document
	strict := recipe.Decode(file, "policy", src, &d)
	s, err := newSchema()
	if err != nil {
		panic(err.Error())
	}
	env, err := s.language()
	if err != nil {
		panic(err.Error())
	}
	c := &compiler{Strict: strict, schema: s, env: env, each: map[string]scope{}, costs: costs(), selected: map[string]bool{}}
	p := c.policy(&d)
	if problems := c.Problems(); len(problems) > 0 {
		return nil, problems
	}
	p.File, p.Text = file, src
	return p, nil
}

// Digest names the policy's text.
func (p *Policy) Digest() kiln.Digest { return kiln.DigestOf(p.Text) }

// Uses lists what the rule asks for: names of facts, and "now".
func (r *Rule) Uses() []string { return r.uses }

// Asks tells whether any rule asks for a fact: one of the top, such as "secrets", or a
// field of that name, such as "licences".
func (p *Policy) Asks(name string) bool {
	return p.selected[name] || slices.ContainsFunc(p.Rules, func(r *Rule) bool { return slices.Contains(r.uses, name) })
}

// Timed tells whether what the policy says depends on when it is asked.
func (p *Policy) Timed() bool {
	return slices.ContainsFunc(p.Rules, (*Rule).Timed)
}

// Timed tells whether what the rule says depends on when it is asked.
func (r *Rule) Timed() bool { return slices.Contains(r.uses, nowName) }

// Join is the result of all rules from those of some and of the others.
func (p *Policy) Join(a, b *Result) *Result {
	res := &Result{Policy: p.Name, Rules: []RuleResult{}}
	for _, r := range p.Rules {
		for _, from := range []*Result{a, b} {
			for _, found := range from.Rules {
				if found.Rule == r.Name {
					res.Rules = append(res.Rules, found)
				}
			}
		}
	}
	return res
}

// settleUses adds to what a rule uses that of its variables.
func (p *Policy) settleUses() {
	of := map[string][]string{}
	for _, v := range p.variables {
		of[v.name] = flatten(v.uses, of)
	}
	for _, r := range p.Rules {
		var all []string
		if r.For != "" {
			all = append(all, r.For)
		}
		for _, e := range append(r.message.expressions(), append(r.fix.expressions(), r.when, r.assert)...) {
			if e != nil {
				all = append(all, flatten(e.uses, of)...)
			}
		}
		slices.Sort(all)
		r.uses = slices.Compact(all)
	}
}

// flatten puts in place of a variable what it uses.
func flatten(uses []string, of map[string][]string) []string {
	var all []string
	for _, name := range uses {
		if strings.HasPrefix(name, "variables.") {
			all = append(all, of[name]...)
			continue
		}
		all = append(all, name)
	}
	return all
}

func (m message) expressions() []*expression {
	var all []*expression
	for _, p := range m {
		if p.expr != nil {
			all = append(all, p.expr)
		}
	}
	return all
}
