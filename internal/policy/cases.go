package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/facts"
	"kiln/internal/recipe"
)

// caseDocument is a file of test cases, format v1.
type caseDocument struct {
	Test   string     `yaml:"test" jsonschema:"required" need:"the format of the file: test: v1"`                                     // format of the document: "v1"
	Policy string     `yaml:"policy" jsonschema:"required" need:"the policy that is tested: a file beside this one, or builtin:NAME"` // a file, relative to this one, or builtin:NAME
	Cases  []testCase `yaml:"cases" jsonschema:"required" need:"at least one: - {name: ..., facts: ..., deny: [...]}"`                // what the policy is to say of what
}

// testCase is an image and what the policy is to say of it.
type testCase struct {
	Name     string                   `yaml:"name" jsonschema:"required" need:"what the case is about, such as name: a shell is refused"` // what it is about
	Facts    facts.Facts              `yaml:"facts"`                                                                                      // facts of the image; what is left out is not known
	Image    string                   `yaml:"image"`                                                                                      // in their place an image beside this file: a folder, a tar, a layout
	Now      facts.Time               `yaml:"now"`                                                                                        // when it is judged
	Params   map[string]recipe.Values `yaml:"params"`                                                                                     // values for the policy's parameters
	Deny     []expectation            `yaml:"deny"`                                                                                       // rules that deny it; no others may
	Warn     []expectation            `yaml:"warn"`                                                                                       // rules that warn of it; no others may
	Accepted []string                 `yaml:"accepted"`                                                                                   // rules that would, and of which an exception takes all findings out
	Unjudged []string                 `yaml:"unjudged"`                                                                                   // rules that cannot be worked out; others may for lack of facts
}

// expectation is a rule that finds something. Short form in YAML: its name.
type expectation struct {
	Rule  string   `yaml:"rule" short:"true" jsonschema:"required" need:"the name of the rule"` // its name
	Items []string `yaml:"items"`                                                               // what it finds, all of it; default anything
}

// Tests are the test cases of a file.
type Tests struct {
	File   string
	Policy string // as the file names it

	cases  []testCase
	strict *recipe.Strict
}

// LoadTests reads a file of test cases; file is what messages call it.
func LoadTests(file string, src []byte) (*Tests, recipe.Problems) {
	var d caseDocument
	s := recipe.Decode(file, "file of test cases", src, &d)
	if s.Written("test") && d.Test != formatV1 {
		s.Refuse("test", fmt.Sprintf("unknown format of test cases %q", d.Test), "", formatV1)
	}
	if len(d.Cases) == 0 {
		s.Refuse("cases", "want at least one case", "", "")
	}
	for i := range d.Cases {
		c, part := &d.Cases[i], fmt.Sprintf("cases[%d]", i)
		if s.Written(part+".facts") == s.Written(part+".image") {
			s.Refuse(part, "want facts: or image:, and not both", "", "")
		}
		if j, err := c.Facts.Complete(); err != nil {
			s.Refuse(fmt.Sprintf("%s.facts.files[%d]", part, j), err.Error(), "", "")
		}
	}
	if problems := s.Problems(); len(problems) > 0 {
		return nil, problems
	}
	return &Tests{File: file, Policy: d.Policy, cases: d.Cases, strict: s}, nil
}

// Check tells what of the cases the policy does not have: rules, parameters.
func (t *Tests) Check(p *Policy) recipe.Problems {
	var names []string
	for _, r := range p.Rules {
		names = append(names, r.Name)
	}
	rule := func(part, name string) {
		if !slices.Contains(names, name) {
			t.strict.Refuse(part, fmt.Sprintf("the policy %q has no rule %q", p.Name, name), "its rules: "+strings.Join(names, ", "), recipe.Nearest(name, names))
		}
	}
	for i, c := range t.cases {
		part := fmt.Sprintf("cases[%d]", i)
		for key, list := range map[string][]expectation{"deny": c.Deny, "warn": c.Warn} {
			for j, e := range list {
				rule(fmt.Sprintf("%s.%s[%d].rule", part, key, j), e.Rule)
			}
		}
		for key, list := range map[string][]string{"accepted": c.Accepted, "unjudged": c.Unjudged} {
			for j, name := range list {
				rule(fmt.Sprintf("%s.%s[%d]", part, key, j), name)
			}
		}
		for _, b := range p.CheckParams(c.Params) {
			t.strict.Refuse(fmt.Sprintf("%s.params[%s]", part, b.Name), b.Text, b.Note, b.Suggestion)
		}
	}
	return t.strict.Problems()
}

// TestReport is what became of test cases, in the shape that --json prints.
type TestReport struct {
	File   string       `json:"file"`
	Policy string       `json:"policy"`
	Cases  []CaseReport `json:"cases"`
	Rules  []Coverage   `json:"rules"`
}

// CaseReport is what became of one.
type CaseReport struct {
	Name   string   `json:"name"`
	Line   int      `json:"line"`
	Wrong  []string `json:"wrong"` // what differs from what was expected
	Passed bool     `json:"passed"`
}

// Coverage tells whether the cases show a rule at work.
type Coverage struct {
	Rule   string `json:"rule"`
	Passes bool   `json:"passes"` // in a case it looks at something and finds nothing
	Finds  bool   `json:"finds"`  // in a case it finds something
}

// OK tells whether all cases came out as expected.
func (r *TestReport) OK() bool {
	return !slices.ContainsFunc(r.Cases, func(c CaseReport) bool { return !c.Passed })
}

// Gaps lists what no case shows.
func (r *TestReport) Gaps() []string {
	var gaps []string
	for _, c := range r.Rules {
		if !c.Passes {
			gaps = append(gaps, c.Rule+": no case in which it looks at something and finds nothing")
		}
		if !c.Finds {
			gaps = append(gaps, c.Rule+": no case in which it finds something")
		}
	}
	return gaps
}

// Run judges every case. read reads the facts of an image that a case names.
func (t *Tests) Run(ctx context.Context, p *Policy, read func(image string) (*facts.Facts, error)) (*TestReport, error) {
	report := &TestReport{File: t.File, Policy: p.Name}
	for _, r := range p.Rules {
		report.Rules = append(report.Rules, Coverage{Rule: r.Name})
	}
	for i := range t.cases {
		c := &t.cases[i]
		f := &c.Facts
		if c.Image != "" {
			var err error
			if f, err = read(c.Image); err != nil {
				return nil, fmt.Errorf("the case %q: %w", c.Name, err)
			}
		}
		res, err := p.Judge(ctx, f, Options{Now: c.Now.Time, Params: c.Params})
		if err != nil {
			return nil, err
		}
		wrong := c.compare(p, p.Verdict(res, nil, c.Now.Time), res)
		report.Cases = append(report.Cases, CaseReport{Name: c.Name, Line: t.strict.Line(fmt.Sprintf("cases[%d]", i)), Wrong: wrong, Passed: len(wrong) == 0})
		for j := range report.Rules {
			report.Rules[j].cover(p.Rules[j], &res.Rules[j], f)
		}
	}
	return report, nil
}

// cover notes what a result shows of a rule. One that looked at nothing shows nothing,
// but where there is nothing to look at.
func (c *Coverage) cover(r *Rule, res *RuleResult, f *facts.Facts) {
	unjudged := slices.ContainsFunc(res.Findings, func(f Finding) bool { return f.Unjudged })
	switch {
	case len(res.Findings)+res.More > 0:
		c.Finds = c.Finds || !unjudged
	case res.Judged > 0 || r.For != "" && f.Length(r.For) == 0:
		c.Passes = true
	}
}

// compare tells what differs from what the case expects.
func (c *testCase) compare(p *Policy, v *Verdict, res *Result) []string {
	wrong := []string{}
	found := map[string][]Finding{}
	for _, list := range [][]Finding{v.Denied, v.Warned} {
		for _, f := range list {
			found[f.Rule] = append(found[f.Rule], f)
		}
	}
	accepted := map[string]bool{}
	for _, f := range v.Accepted {
		accepted[f.Rule] = true
	}
	for _, r := range p.Rules {
		list := found[r.Name]
		unjudged := slices.IndexFunc(list, func(f Finding) bool { return f.Unjudged })
		want, expected := c.expects(r)
		switch {
		case slices.Contains(c.Unjudged, r.Name):
			if unjudged < 0 {
				wrong = append(wrong, r.Name+" could be judged")
			}
		case slices.Contains(c.Accepted, r.Name):
			if len(list) > 0 || !accepted[r.Name] {
				wrong = append(wrong, r.Name+" found nothing that is accepted, or more than that"+sayItems(list))
			}
		case unjudged >= 0:
			if expected || !strings.Contains(list[unjudged].Message, " is not known") {
				wrong = append(wrong, r.Name+": "+list[unjudged].Message)
			}
		case expected && len(list) == 0:
			wrong = append(wrong, r.Name+" found nothing")
		case !expected && len(list) > 0:
			wrong = append(wrong, r.Name+" found something"+sayItems(list))
		case expected && want.Items != nil && !sameItems(want.Items, list):
			wrong = append(wrong, fmt.Sprintf("%s found%s; want %s", r.Name, strings.TrimPrefix(sayItems(list), ":"), strings.Join(want.Items, ", ")))
		}
	}
	return wrong
}

// expects is what the case says of a rule, in the list that suits its severity.
func (c *testCase) expects(r *Rule) (expectation, bool) {
	list := c.Deny
	if r.Severity == warn {
		list = c.Warn
	}
	for _, e := range list {
		if e.Rule == r.Name {
			return e, true
		}
	}
	return expectation{}, false
}

func sameItems(want []string, found []Finding) bool {
	var got []string
	for _, f := range found {
		got = append(got, f.Item)
	}
	slices.Sort(got)
	return slices.Equal(slices.Sorted(slices.Values(want)), got)
}

func sayItems(found []Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, printable(cmpItem(f)))
	}
	if len(all) > 5 {
		all = append(all[:5], fmt.Sprintf("and %d more", len(found)-5))
	}
	if all == nil {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

// cmpItem is the item of a finding; of the image as a whole, what is wrong.
func cmpItem(f Finding) string {
	if f.Item == "" {
		return f.Message
	}
	return f.Item
}
