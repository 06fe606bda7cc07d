package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/facts"
	"kiln/internal/policy"
)

func runCases(t *testing.T, name string, p *policy.Policy, text []byte, read func(string) (*facts.Facts, error)) *policy.TestReport {
	t.Helper()
	tests, problems := policy.LoadTests(name, text)
	if problems != nil {
		t.Fatal(problems)
	}
	if problems := tests.Check(p); problems != nil {
		t.Fatal(problems)
	}
	report, err := tests.Run(context.Background(), p, read)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// What comes with kiln is tested as kiln policy test does it, with no rule left out.
func TestBuiltins(t *testing.T) {
	for _, name := range policy.Builtins() {
		text, err := policy.BuiltinText(name)
		if err != nil {
			t.Fatal(err)
		}
		p, problems := policy.Load("builtin:"+name, text)
		if problems != nil {
			t.Fatal(problems)
		}
		if p.Name != name {
			t.Errorf("builtin:%s calls itself %s", name, p.Name)
		}
		cases, err := policy.BuiltinTests(name)
		if err != nil {
			t.Fatal(err)
		}
		report := runCases(t, name, p, cases, nil)
		for _, c := range report.Cases {
			if !c.Passed {
				t.Errorf("%s:%d: %s: %s", name, c.Line, c.Name, strings.Join(c.Wrong, "; "))
			}
		}
		if gaps := report.Gaps(); gaps != nil {
			t.Errorf("%s: %s", name, strings.Join(gaps, "\n"))
		}
	}
}

func TestUnknownBuiltin(t *testing.T) {
	for _, name := range []string{"minimul", "", "../builtin/minimal", "minimal.test"} {
		if _, err := policy.BuiltinText(name); err == nil {
			t.Errorf("there is a policy %q", name)
		}
	}
}

const casesPolicy = `
rules:
  - {name: small, for: files, when: file.type == "file", assert: file.size < 100, message: x, why: y, except: [{path: /big, why: z}]}
  - {name: user, severity: warn, assert: config.user != "", message: nobody, why: y}
  - {name: never, for: packages, assert: pkg.name != "x", message: x, why: y}
  - {name: broken, for: packages, assert: 'config.env[pkg.name] == ""', message: x, why: y}
`

// Each case that does not come out says what it got.
func TestCases(t *testing.T) {
	report := runCases(t, "p.test.yaml", load(t, casesPolicy), []byte(`test: v1
policy: p.yaml
cases:
  - {name: all as it is, facts: {files: [{path: /a, size: 200}, {path: /b}], config: {user: ""}}, deny: [{rule: small, items: [/a]}], warn: [user]}
  - {name: too little, facts: {files: [{path: /b}], config: {user: a}}, deny: [small], warn: [user]}
  - {name: too much, facts: {files: [{path: /a, size: 200}], config: {user: ""}}}
  - {name: others, facts: {files: [{path: /a, size: 200}, {path: /c, size: 200}]}, deny: [{rule: small, items: [/a]}]}
  - {name: not known, facts: {}, deny: [small], unjudged: [user]}
  - {name: known, facts: {files: [{path: /b}], config: {user: a}}, unjudged: [user]}
  - {name: accepted, facts: {files: [{path: /big, size: 200}]}, accepted: [small]}
  - {name: not accepted, facts: {files: [{path: /b}, {path: /a, size: 200}]}, accepted: [small]}
  - {name: a rule that breaks, facts: {packages: [{name: a}], config: {user: a}}}
  - {name: the wrong list, facts: {config: {}}, deny: [user]}
  - {name: an image, image: fixture}
`), func(string) (*facts.Facts, error) {
		f := &facts.Facts{Files: []facts.File{{Path: "/x", Size: 500}}}
		_, err := f.Complete()
		return f, err
	})
	var got []string
	for _, c := range report.Cases {
		got = append(got, c.Name+": "+strings.Join(c.Wrong, "; "))
	}
	want := []string{
		"all as it is: ",
		"too little: small found nothing; user found nothing",
		"too much: small found something: /a; user found something: nobody",
		"others: small found /a, /c; want /a",
		"not known: small: this cannot be judged: the fact files is not known",
		"known: user could be judged",
		"accepted: ",
		"not accepted: small found nothing that is accepted, or more than that: /a",
		"a rule that breaks: broken: this cannot be judged: no such key: a",
		"the wrong list: user found something: nobody",
		"an image: small found something: /x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"never: no case in which it finds something", "broken: no case in which it looks at something and finds nothing", "broken: no case in which it finds something"}, report.Gaps()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestCasesAreStrict(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"test: v2\npolicy: x\ncases: [{name: a, facts: {}}]\n", `:1:7: error: unknown format of test cases "v2"`},
		{"test: v1\npolicy: x\ncases: []\n", `:3:8: error: want at least one case`},
		{"test: v1\npolicy: x\ncases: [{name: a}]\n", `:3:9: error: want facts: or image:, and not both`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    facts: {files: [{path: /a}, {path: b}]}\n", `:5:33: error: want an absolute path, got "b"`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    facts: {files: [{path: /a, mode: rwx}]}\n", `:5:21: error: want a mode of octal digits, such as 0644, got "rwx"`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    facts: {file: []}\n", `:5:13: error: unknown key "file"`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    now: soon\n    facts: {}\n", `:5:10: error: want a time, such as 2026-11-20 or 2026-11-20T12:00:00Z`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    facts: {}\n    deny: [smal]\n", `:6:12: error: the policy "p" has no rule "smal"`},
		{"test: v1\npolicy: x\ncases:\n  - name: a\n    facts: {}\n    params: {x: 1}\n", `:6:14: error: the policy "p" has no parameter "x"`},
	} {
		tests, problems := policy.LoadTests("p.test.yaml", []byte(row.text))
		if problems == nil {
			problems = tests.Check(load(t, casesPolicy))
		}
		if len(problems) == 0 || !strings.Contains(problems.Error(), row.want) {
			t.Errorf("got %v, want %s", problems, row.want)
		}
	}
}

func TestCaseImageThatCannotBeRead(t *testing.T) {
	tests, problems := policy.LoadTests("p.test.yaml", []byte("test: v1\npolicy: p\ncases: [{name: a, image: b}]\n"))
	if problems != nil {
		t.Fatal(problems)
	}
	gone := errors.New("gone")
	if _, err := tests.Run(context.Background(), load(t, casesPolicy), func(string) (*facts.Facts, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}
