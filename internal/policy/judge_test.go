package policy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/facts"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// load reads a policy without its head.
func load(t testing.TB, body string) *policy.Policy {
	t.Helper()
	p, problems := policy.Load("p.yaml", []byte("policy: v1\nname: p\nsummary: x\n"+body))
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// small is a small image.
func small(t testing.TB) *facts.Facts {
	t.Helper()
	libc, none, one := "libc6", "", int64(1)
	f := &facts.Facts{
		Image:    facts.Image{Name: "web", Kind: "oci", Created: &facts.Time{Time: now.AddDate(0, 0, -10)}, Compressed: &one},
		Config:   &facts.Config{User: "app", Env: map[string]string{"PATH": "/usr/bin"}, Labels: map[string]string{}, Entrypoint: []string{}, Command: []string{}, Volumes: []string{}, Healthcheck: []string{}},
		Packages: []facts.Package{{Name: "libc6", Version: "2.41-12"}, {Name: "tzdata", Version: "2026f-0", Licences: []string{"public-domain"}}},
		Files: []facts.File{
			{Path: "/usr", Type: "directory", Package: &none},
			{Path: "/usr/bin/su", Mode: "4755", Package: &libc, Size: 10},
			{Path: "/usr/lib/libc.so.6", Mode: "0755", Package: &libc, Size: 100},
			{Path: "/usr/lib/l\x1b[31m\nn", Package: &none},
		},
		Users:   []facts.User{{Name: "root", Groups: []string{}}, {Name: "app", UID: 10001, Groups: []string{"app"}}},
		Unknown: map[string]string{"secrets": "nobody looked", "pkg.licences": "nobody read them"},
	}
	if _, err := f.Complete(); err != nil {
		t.Fatal(err)
	}
	return f
}

// told is what a policy says, a line for each finding.
func told(t testing.TB, p *policy.Policy, f *facts.Facts, o policy.Options, except ...policy.Named) string {
	t.Helper()
	res, err := p.Judge(context.Background(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	v := p.Verdict(res, except, o.Now)
	var b strings.Builder
	for _, list := range []struct {
		word string
		all  []policy.Finding
	}{{"deny", v.Denied}, {"warn", v.Warned}, {"accept", v.Accepted}} {
		for _, f := range list.all {
			fmt.Fprintf(&b, "%s %s %q %s%s%s\n", list.word, f.Rule, f.Item, f.Message, map[bool]string{true: " | "}[f.Fix != ""], f.Fix)
		}
	}
	return b.String()
}

func TestJudge(t *testing.T) {
	for _, row := range []struct{ summary, body, want string }{
		{"a rule that all keep", `
rules:
  - {name: a, for: files, assert: file.size < 1000, message: x, why: y}`, ""},
		{"one finding for each, in their order", `
rules:
  - {name: a, for: files, when: file.type == "file", assert: file.size == 0, message: "{file.name} has {file.size} in {file.dir}", fix: "drop: [{file.path}]", why: y}`,
			"deny a \"/usr/bin/su\" su has 10 in /usr/bin | drop: [/usr/bin/su]\ndeny a \"/usr/lib/libc.so.6\" libc.so.6 has 100 in /usr/lib | drop: [/usr/lib/libc.so.6]\n"},
		{"the image as a whole, severity, braces, values of all kinds", `
rules:
  - {name: a, severity: warn, assert: image.size > 1000, message: '{{{image.size}}} {image.setuid} {image.created} {now - image.created} { {"a": 1.5}["a"]} {config.env.size() == 1} {users[0]}', why: y}`,
			"warn a \"\" {110} /usr/bin/su 2026-11-10T12:00:00Z 864000s 1.5 true user\n"},
		{"when is false for the image", `
rules:
  - {name: a, when: 'image.name == "db"', assert: 'false', message: x, why: y}`, ""},
		{"functions", `
rules:
  - {name: a, assert: '"/usr/lib/x/y.so".glob("/usr/**/*.so") && !"/usr/lib/x".glob("/usr/*") && "/usr".glob("/usr/**") && "0640".within("0644") && !"0664".within("0644") && "3.0.15-1".at_least("3.0.9") && !"1.0~rc1".at_least("1.0") && ["a","b"].join("+") == "a+b" && "ÄB".lower() == "äb" && days(2) == duration("48h") && 12345678.as_size() == "12.3 MB"', message: x, why: y}`, ""},
		{"parameters and variables", `
params:
  - {name: most, type: size, default: 1kB}
  - {name: names, type: texts, default: [su, sudo]}
variables:
  - {name: bad, value: 'files.filter(f, f.name in params.names)'}
  - {name: count, value: variables.bad.size()}
rules:
  - {name: a, assert: variables.count == 0 && image.size < params.most, message: "{variables.bad.map(f, f.path)} and {params.most}", why: y}`,
			"deny a \"\" /usr/bin/su and 1000\n"},
		{"a whole fact that is not known does not pass, once for the rule", `
rules:
  - {name: a, for: secrets, assert: 'false', message: x, why: y}
  - {name: b, assert: vulnerabilities.size() == 0, message: x, why: y}`,
			"deny a \"\" this cannot be judged: the fact secrets is not known: nobody looked\ndeny b \"\" this cannot be judged: the fact vulnerabilities is not known\n"},
		{"a field that is not known of some", `
rules:
  - {name: a, for: packages, assert: pkg.licences.size() > 5, message: "{pkg.name}", why: y}
  - {name: b, for: packages, when: has(pkg.licences), assert: 'false', message: "{pkg.name}", why: y}`,
			"deny a \"\" this cannot be judged: the fact pkg.licences is not known: nobody read them\ndeny a \"tzdata\" tzdata\ndeny b \"tzdata\" tzdata\n"},
		{"an error is a finding of its own", `
rules:
  - {name: a, severity: warn, for: users, assert: 'config.env[user.name] == ""', message: x, why: y}`,
			"warn a \"root\" this cannot be judged: no such key: root | have the rule look first whether it is there: when:, has(...), KEY in MAP\n" +
				"warn a \"app\" this cannot be judged: no such key: app | have the rule look first whether it is there: when:, has(...), KEY in MAP\n"},
		{"a message that cannot be worked out does not hide the finding", `
rules:
  - {name: a, assert: 'false', message: 'home {config.env["HOME"]}', why: y}`,
			"deny a \"\" home (no such key: HOME)\n"},
		{"exceptions of the rule itself", `
rules:
  - name: a
    for: files
    when: file.type == "file"
    assert: file.size == 0
    message: x
    why: y
    except:
      - {path: /usr/bin/*, why: needed}
      - {package: "lib*", why: ended, until: 2026-11-19}`,
			"deny a \"/usr/lib/libc.so.6\" x\naccept a \"/usr/bin/su\" x\n"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			if diff := cmp.Diff(row.want, told(t, load(t, row.body), small(t), policy.Options{Now: now})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where nobody says what time it is, a rule about ages does not pass, and an exception
// that ends does not hold.
func TestWithoutClock(t *testing.T) {
	p := load(t, `
rules:
  - {name: age, assert: now - image.created < days(30), message: x, why: y}
  - {name: a, assert: 'false', message: x, why: y, except: [{why: for now, until: 2099-01-01}]}`)
	want := "deny age \"\" this cannot be judged: the fact now is not known\ndeny a \"\" x\n"
	if got := told(t, p, small(t), policy.Options{}); got != want {
		t.Errorf("got %s", got)
	}
	if got, want := told(t, p, small(t), policy.Options{Now: now}), "accept a \"\" x\n"; got != want {
		t.Errorf("with a clock: got %s", got)
	}
}

func TestExceptionsOfTheUser(t *testing.T) {
	p := load(t, `
rules:
  - {name: a, for: files, when: file.type == "file", assert: file.size == 0, message: x, why: y}
  - {name: b, for: users, assert: user.uid == 0, message: x, why: y}`)
	res, err := p.Judge(context.Background(), small(t), policy.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	until := func(s string) (d recipe.Date) {
		if err := d.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	v := p.Verdict(res, []policy.Named{
		{Rule: "a", Exception: policy.Exception{Path: "/usr/bin/su", Why: "last day", Until: until("2026-11-20")}},
		{Rule: "a", Exception: policy.Exception{Path: "/usr/lib/*", Why: "ended", Until: until("2026-11-19")}},
		{Rule: "b", Exception: policy.Exception{Item: "a?p", Why: "a service"}},
		{Rule: "b", Exception: policy.Exception{Item: "nobody", Why: "a typo"}},
		{Rule: "b", Exception: policy.Exception{Path: "/usr/bin/su", Why: "of another rule"}},
	}, now)
	if len(v.Accepted) != 2 || len(v.Denied) != 1 || v.Denied[0].Expired != "2026-11-19" || !slices.Equal(v.Unused, []int{3, 4}) {
		t.Errorf("got %+v", v)
	}
	if !strings.Contains(v.Denied[0].String(), "its exception ended on 2026-11-19") {
		t.Errorf("got %s", v.Denied[0])
	}
}

// What stands in a finding may come from an image of anybody's making.
func TestFindingsAreHarmless(t *testing.T) {
	p := load(t, "rules:\n  - {name: a, for: files, when: 'file.dir == \"/usr/lib\"', assert: file.size == 100, message: \"{file.path}\", fix: \"{file.name}\", why: y}\n")
	res, err := p.Judge(context.Background(), small(t), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Verdict(res, nil, now).Denied[0].String()
	if want := "  p/a: /usr/lib/l\\u001b[31m n\n    to change it: l\\u001b[31m n\n    why: y"; got != want {
		t.Errorf("got %q", got)
	}
}

// many is an image of so many files.
func many(t testing.TB, n int) *facts.Facts {
	t.Helper()
	f := &facts.Facts{}
	pkg, root, zero := "libc6", "root", int64(0)
	for i := range n {
		f.Files = append(f.Files, facts.File{
			Path: fmt.Sprintf("/usr/share/doc/package-%d/file-%d.txt", i/10, i), Package: &pkg, Owner: &root, Group: &root, UID: &zero, GID: &zero,
		})
	}
	if _, err := f.Complete(); err != nil {
		t.Fatal(err)
	}
	return f
}

// What a policy may cost is counted: a bomb ends as a finding, the same on every
// machine, and takes the rules after it along only when the whole policy is too dear.
func TestBombs(t *testing.T) {
	f := many(t, 4000)
	for _, row := range []struct{ summary, rule string }{
		{"a loop in a loop", `{name: a, assert: 'files.all(a, files.all(b, a.path != b.path + "x"))', message: x, why: y}`},
		{"a loop for each", `{name: a, for: files, assert: 'files.all(f, f.path != file.path + "x")', message: x, why: y}`},
		{"growing texts", `{name: a, assert: 'files.map(a, files.map(b, a.path + b.path)).size() == 0', message: x, why: y}`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			p := load(t, "rules:\n  - "+row.rule+"\n")
			res, err := p.Judge(context.Background(), f, policy.Options{Cost: 2_000_000})
			if err != nil {
				t.Fatal(err)
			}
			found := res.Rules[0].Findings
			if len(found) == 0 {
				t.Fatal("it passes")
			}
			if len(found) != 1 || !strings.Contains(found[0].Message, "costs more than a policy may") {
				t.Errorf("got %d findings, the first %s", len(found), found[0])
			}
		})
	}
}

// Each of many dear rules is within its own limit; the policy is not.
func TestPolicyAsAWholeIsBounded(t *testing.T) {
	var body strings.Builder
	body.WriteString("rules:\n")
	for i := range 25 {
		fmt.Fprintf(&body, "  - {name: a%d, assert: 'files.all(f, files.size() > 0 && f.path.contains(\"yy\") || [1,2,3,4,5,6,7,8,9].all(n, n < 100 && f.size < n * 1000))', message: x, why: y}\n", i)
	}
	p := load(t, body.String())
	res, err := p.Judge(context.Background(), many(t, 2000), policy.Options{Cost: 2_000_000})
	if err != nil {
		t.Fatal(err)
	}
	last := res.Rules[len(res.Rules)-1]
	if len(res.Rules[0].Findings) != 0 || len(last.Findings) != 1 || !strings.Contains(last.Findings[0].Message, "costs more than a policy may") {
		t.Errorf("first %+v, last %+v", res.Rules[0], last)
	}
}

func TestInterrupt(t *testing.T) {
	p := load(t, "rules:\n  - {name: a, for: files, assert: 'file.size == 0', message: x, why: y}\n  - {name: b, assert: 'files.all(f, f.size == 0)', message: x, why: y}\n")
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := p.Judge(ctx, many(t, 5000), policy.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The findings of a list stand in its order, however the work was shared out; those
// beyond the bound are counted.
func TestManyFindings(t *testing.T) {
	p := load(t, "rules:\n  - {name: a, for: files, assert: 'file.size > 0', message: x, why: y}\n")
	f := many(t, 25_000)
	res, err := p.Judge(context.Background(), f, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := res.Rules[0]
	if r.Judged != 25_000 || len(r.Findings) != 20_000 || r.More != 5_000 {
		t.Fatalf("judged %d, findings %d, more %d", r.Judged, len(r.Findings), r.More)
	}
	for i, found := range r.Findings {
		if found.Item != f.Files[i].Path {
			t.Fatalf("finding %d is of %s", i, found.Item)
		}
	}
	if v := p.Verdict(res, nil, now); v.OK() || v.More != 5_000 {
		t.Errorf("got ok %v, more %d", v.OK(), v.More)
	}
}

func TestParams(t *testing.T) {
	p := load(t, `
params:
  - {name: budget, type: size, summary: of the image}
  - {name: age, type: time-span, default: 30d}
rules:
  - {name: a, assert: image.size < params.budget && params.age < days(60), message: x, why: y}`)
	for _, row := range []struct {
		given map[string]recipe.Values
		want  string
	}{
		{map[string]recipe.Values{"budget": {"1.5GiB"}}, ""},
		{map[string]recipe.Values{"budget": {"100"}, "age": {"12h"}}, ""},
		{nil, `the policy "p" wants a value for "budget" (size)`},
		{map[string]recipe.Values{"budget": {"much"}}, `want a size, such as 80MB or 1.5GiB, got "much"`},
		{map[string]recipe.Values{"budget": {"-1MB"}}, `want a size, such as 80MB or 1.5GiB, got "-1MB"`},
		{map[string]recipe.Values{"budget": {"NaN"}}, `want a size, such as 80MB or 1.5GiB, got "NaN"`},
		{map[string]recipe.Values{"budget": {"1", "2"}}, `want one value, got a list of 2`},
		{map[string]recipe.Values{"budget": {"1"}, "bugdet": {"2"}}, `the policy "p" has no parameter "bugdet"; did you mean budget`},
		{map[string]recipe.Values{"budget": {"1"}, "age": {"30 days"}}, `want a span of time, such as 30d or 12h, got "30 days"`},
	} {
		var got []string
		for _, b := range p.CheckParams(row.given) {
			text := b.Text
			if b.Suggestion != "" {
				text += "; did you mean " + b.Suggestion
			}
			got = append(got, text)
		}
		if strings.Join(got, "\n") != row.want {
			t.Errorf("%v: got %q, want %q", row.given, got, row.want)
		}
	}
}

// What the two halves of the rules say, joined, is what all of them say.
func TestHalves(t *testing.T) {
	p := load(t, `
rules:
  - {name: a, for: files, assert: file.size == 0, message: x, why: y}
  - {name: b, assert: now - image.created < days(1), message: "{now - image.created}", why: y}
  - {name: c, assert: 'false', message: x, why: y}`)
	f := small(t)
	judge := func(f *facts.Facts, choice policy.Choice) *policy.Result {
		res, err := p.Judge(context.Background(), f, policy.Options{Now: now, Rules: choice})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	joined := p.Join(judge(f, policy.UntimedRules), judge(f.Only([]string{"now", "image"}), policy.TimedRules))
	if diff := cmp.Diff(judge(f, policy.AllRules), joined); diff != "" {
		t.Errorf("(-whole +joined):\n%s", diff)
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, name := range policy.Builtins() {
		text, err := policy.BuiltinText(name)
		if err != nil {
			b.Fatal(err)
		}
		p, problems := policy.Load(name, text)
		if problems != nil {
			b.Fatal(problems)
		}
		f := many(b, 20_000)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Judge(context.Background(), f, policy.Options{Now: now}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
