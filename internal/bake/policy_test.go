package bake_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/facts"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

const policyText = `policy: v1
name: base
summary: x
rules:
  - {name: age, assert: now - image.created < days(30), message: "it is {now - image.created} old", why: y}
  - {name: files, for: files, assert: file.size < 10, message: "{file.path}", why: y}
`

// judged is a build of a recipe with a policy, of an image with these facts.
func judged(t *testing.T, more string) (bake.Options, *family, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kiln.yaml": "kiln: v1\nname: web\nplatforms: [linux/amd64]\nlayers: [{name: base}]\npolicy:\n  - use: base.cel.yaml\n" + more, "base.cel.yaml": policyText,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r, err := recipe.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &family{next: lockOf("1"), root: &bake.Root{Tree: tree.New(), Contents: tree.Bytes{}}, facts: &facts.Facts{
		Image: facts.Image{Created: &facts.Time{Time: today}}, Files: []facts.File{{Path: "/small", Size: 1}, {Path: "/large", Size: 20}},
	}}
	out := filepath.Join(dir, "web.oci")
	o := options(t, f, r, bake.Output{Type: bake.OCI, Path: out})
	o.Build, o.Now = "this", today
	return o, f, out
}

var today = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

const accepting = "    except: [{rule: files, path: /large, why: needed, until: 2026-12-24}]\n"

// What policies deny leaves nothing behind, and the next build does not judge again
// what has not changed: but for ages, and for exceptions that end.
func TestPolicies(t *testing.T) {
	o, f, out := judged(t, "")
	_, err := bake.Build(context.Background(), o)
	if kiln.CodeOf(err) != kiln.Refused || !strings.Contains(err.Error(), "base/files: /large") || strings.Contains(err.Error(), "/small") {
		t.Fatalf("got %v", err)
	}
	for _, path := range []string{out, o.Lock.Path} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	asked := func(want int, when string) {
		t.Helper()
		n := 0
		for _, c := range f.calls {
			if c == "facts" {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: facts were asked for %d times, want %d: %q", when, n, want, f.calls)
		}
	}
	asked(1, "first")
	if _, err := bake.Build(context.Background(), o); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("the second time: %v", err)
	}
	asked(1, "nothing changed")

	accepted, _, _ := judged(t, accepting)
	o.Lock.Recipe = accepted.Lock.Recipe
	res, err := bake.Build(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if v := res.Images[0].Policies; len(v) != 1 || len(v[0].Accepted) != 1 || v[0].Accepted[0].Accepted != "needed" {
		t.Errorf("got %+v", v)
	}
	asked(1, "an exception came")
	assembled := slices.Index(f.calls, "assemble")
	if assembled < 0 || slices.Contains(f.calls[assembled+1:], "assemble") {
		t.Errorf("the image was made again: %q", f.calls)
	}

	o.Now = today.AddDate(0, 0, 34)
	if _, err = bake.Build(context.Background(), o); err == nil || !strings.Contains(err.Error(), "it is 2937600s old") || strings.Contains(err.Error(), "/large") {
		t.Errorf("34 days later: %v", err)
	}
	o.Now = today.AddDate(0, 0, 35)
	if _, err = bake.Build(context.Background(), o); err == nil || !strings.Contains(err.Error(), "its exception ended on 2026-12-24") {
		t.Errorf("35 days later: %v", err)
	}
	o.Now = time.Time{}
	if _, err = bake.Build(context.Background(), o); err == nil || !strings.Contains(err.Error(), "the fact now is not known") {
		t.Errorf("with no clock: %v", err)
	}
	asked(1, "time went by")

	o.Now, o.Unjudged = today.AddDate(1, 0, 0), true
	if _, err = bake.Build(context.Background(), o); err != nil {
		t.Errorf("unjudged: %v", err)
	}
}

// Another text of the policy, or another value, is judged anew; the image is not made
// again for it, but read.
func TestPolicyChanges(t *testing.T) {
	o, f, _ := judged(t, accepting)
	if _, err := bake.Build(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(o.Lock.Recipe.Path()), "base.cel.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(policyText, "file.size < 10", "file.size < 1", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := bake.Build(context.Background(), o); err == nil || !strings.Contains(err.Error(), "base/files: /small") {
		t.Errorf("got %v", err)
	}
	if n := len(slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return c != "facts" })); n != 2 {
		t.Errorf("facts were asked for %d times: %q", n, f.calls)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(policyText, "file.size", "file.sise", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	before := len(f.calls)
	if _, err := bake.Build(context.Background(), o); kiln.CodeOf(err) != kiln.User || !strings.Contains(err.Error(), `unknown field "sise"`) || len(f.calls) != before {
		t.Errorf("got %v after %q", err, f.calls[before:])
	}
}
