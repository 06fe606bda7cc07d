package policy_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"kiln/internal/policy"
)

var update = flag.Bool("update", false, "write what the tests find as what they expect")

// Each file of testdata/load.txtar is a policy with mistakes, followed by what is
// said of them.
func TestLoadRefuses(t *testing.T) {
	const name = "testdata/load.txtar"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	out := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		base, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		p, problems := policy.Load("p.yaml", f.Data)
		if p != nil || len(problems) == 0 {
			t.Errorf("%s is taken", f.Name)
		}
		got := problems.Error() + "\n"
		if diff := cmp.Diff(want[base+".want"], got); diff != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
		out.Files = append(out.Files, f, txtar.File{Name: base + ".want", Data: []byte(got)})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A policy that was loaded says which facts it asks for, variables included: that
// decides what is judged again when only the time has changed.
func TestUses(t *testing.T) {
	p := load(t, `
variables:
  - {name: old, value: "releases.filter(r, now - r.date > days(30))"}
  - {name: count, value: variables.old.size()}
rules:
  - {name: timed, assert: variables.count == 0, message: "{files.size()}", why: x}
  - {name: each, for: users, when: user.uid != 0, assert: config.user == "a", message: x, fix: "{groups.size()}", why: x}
`)
	for i, want := range []string{"files now releases", "config groups users"} {
		if got := strings.Join(p.Rules[i].Uses(), " "); got != want {
			t.Errorf("the rule %s uses %q, want %q", p.Rules[i].Name, got, want)
		}
	}
	for name, want := range map[string]bool{"files": true, "secrets": false, "date": true, "licences": false} {
		if got := p.Asks(name); got != want {
			t.Errorf("the policy asks for %s: %v", name, got)
		}
	}
	if !p.Timed() || !p.Rules[0].Timed() || p.Rules[1].Timed() {
		t.Error("only the first rule depends on the time")
	}
}

func FuzzLoad(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/load.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".yaml") {
			f.Add(file.Data)
		}
	}
	for _, name := range policy.Builtins() {
		text, err := policy.BuiltinText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, problems := policy.Load("p.yaml", src)
		if (p == nil) != (len(problems) > 0) {
			t.Fatalf("policy %v with problems %v", p, problems)
		}
		lines := strings.Count(string(src), "\n") + strings.Count(string(src), "\r") + 1
		for _, problem := range problems {
			if problem.Line < 1 || problem.Line > lines || problem.Column < 1 || problem.Text == "" {
				t.Fatalf("a problem without a place: %+v", problem)
			}
		}
	})
}

func FuzzTests(f *testing.F) {
	for _, name := range policy.Builtins() {
		text, err := policy.BuiltinTests(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		tests, problems := policy.LoadTests("p.test.yaml", src)
		if (tests == nil) != (len(problems) > 0) {
			t.Fatalf("tests %v with problems %v", tests, problems)
		}
	})
}
