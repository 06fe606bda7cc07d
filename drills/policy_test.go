package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// verdicts is what kiln policy check --json prints.
type verdicts struct {
	OK       bool
	Verdicts []struct {
		Policy         string
		Denied, Warned []struct {
			Rule, Item, Package, Message string
			Unjudged                     bool
		}
	}
}

// found lists what a rule denies.
func (v verdicts) found(rule string) []string {
	var items []string
	for _, p := range v.Verdicts {
		for _, f := range p.Denied {
			if f.Rule == rule {
				items = append(items, f.Item)
			}
		}
	}
	return items
}

// judge runs kiln policy check, whose status must say what its result says.
func judge(t *testing.T, dir string, args ...string) verdicts {
	t.Helper()
	cmd := exec.Command(kilnBinary(t), append([]string{"policy", "check", "--json", "--store", sharedStore(t)}, args...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var v verdicts
	if jsonErr := json.Unmarshal(out, &v); jsonErr != nil {
		t.Fatalf("%s: %v, %v\n%s", strings.Join(cmd.Args, " "), err, jsonErr, out)
	}
	status := 0
	if exit, ok := err.(*exec.ExitError); ok {
		status = exit.ExitCode()
	}
	if want := map[bool]int{true: 0, false: 3}[v.OK]; status != want {
		t.Errorf("%s ended with status %d, want %d", strings.Join(cmd.Args, " "), status, want)
	}
	return v
}

// The example for a single program keeps the strictest of what comes with kiln, for
// both platforms; the one with a shell to look around does not, and the shell is named.
func TestPoliciesOfExamples(t *testing.T) {
	real(t)
	dir := example(t, "static")
	appendTo(t, filepath.Join(dir, "kiln.yaml"), `policy:
  - builtin:minimal
  - builtin:non-root
  - builtin:permissions
  - {use: builtin:size, params: {budget: 1MB, unpacked: 5MB}}
`)
	if r := build(t, dir, "-o", "oci:static.oci"); len(r.Images) != 2 {
		t.Errorf("images for %d platforms", len(r.Images))
	}
	dir = example(t, "debug")
	build(t, dir, "-o", "docker-archive:debug.tar", "--platform", "linux/amd64")
	v := judge(t, dir, "docker-archive:debug.tar", "--policy", "builtin:minimal", "--policy", "builtin:non-root")
	if got := v.found("no-shell"); !slices.Contains(got, "/usr/bin/busybox") || !slices.Contains(got, "/usr/bin/sh") {
		t.Errorf("the shells are %q", got)
	}
}

// Of a machine to log in to, the policies find what GNU tar lists of it.
func TestPoliciesFindWhatTarLists(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), parityRecipe(strings.Split(serverPackages, ",")))
	build(t, dir, "-o", "tar:server.tar", "-o", "oci:server.oci")
	listed := map[string][]string{}
	for line := range strings.Lines(run(t, dir, "tar", "--numeric-owner", "--quoting-style=literal", "-tvf", "server.tar")) {
		f := strings.Fields(line)
		if len(f) < 6 {
			t.Fatalf("tar lists %q", line)
		}
		mode, path := f[0], "/"+strings.Trim(strings.TrimPrefix(f[5], "."), "/")
		switch {
		case mode[0] == '-' && strings.ContainsAny(mode[1:7], "sS"):
			listed["no-setuid"] = append(listed["no-setuid"], path)
		case mode[0] == '-' && mode[8] == 'w':
			listed["world-writable-files"] = append(listed["world-writable-files"], path)
		case mode[0] == 'd' && mode[8] == 'w' && !strings.ContainsAny(mode[9:10], "tT"):
			listed["world-writable-folders"] = append(listed["world-writable-folders"], path)
		}
	}
	if len(listed["no-setuid"]) < 5 {
		t.Fatalf("tar lists %q as setuid", listed["no-setuid"])
	}
	for _, image := range []string{"tar:server.tar", "oci:server.oci"} {
		v := judge(t, dir, image, "--policy", "builtin:minimal", "--policy", "builtin:permissions")
		for _, rule := range []string{"no-setuid", "world-writable-files", "world-writable-folders"} {
			want, got := listed[rule], v.found(rule)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-tar +kiln):\n%s", image, rule, diff)
			}
		}
		if got := v.found("account-files"); got != nil {
			t.Errorf("%s: account files %q", image, got)
		}
		for _, want := range []string{"/usr/bin/bash", "/usr/bin/dash", "/usr/bin/sh"} {
			if !slices.Contains(v.found("no-shell"), want) {
				t.Errorf("%s: %s is no shell", image, want)
			}
		}
		for _, p := range v.Verdicts {
			for _, f := range p.Denied {
				if f.Unjudged {
					t.Errorf("%s: %s could not be judged: %s", image, f.Rule, f.Message)
				}
			}
		}
	}
}

// Of all packages of the parity sets, the policy on licences denies none as it comes.
// As far as weak copyleft, each that it denies is under the GPL, the GFDL or the like;
// and no rule goes unjudged for what it costs.
func TestLicencesOfParitySets(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), allParitySets())
	v := judge(t, dir, ".", "--policy", "builtin:licences")
	if got := v.found("allowed"); len(got) > 0 || !v.OK {
		t.Errorf("denied as it comes: %q", got)
	}
	for _, f := range v.Verdicts[0].Warned {
		if f.Unjudged || f.Rule == "read" && !strings.Contains(f.Message, ": LicenseRef-") {
			t.Errorf("%+v", f)
		}
	}
	warned := len(v.Verdicts[0].Warned)
	v = judge(t, dir, ".", "--policy", "builtin:licences", "--param", "reach=weak-copyleft")
	beyond := []string{" GPL-", " GFDL-", " CC-BY-SA-", " Sleepycat", " SMAIL-GPL", " LicenseRef-"}
	for _, f := range v.Verdicts[0].Denied {
		if _, what, _ := strings.Cut(f.Message, "not allowed:"); f.Unjudged || !slices.ContainsFunc(beyond, func(b string) bool { return strings.Contains(what, b) }) {
			t.Errorf("denied without a reason: %+v", f)
		}
	}
	if denied := v.found("allowed"); !slices.Contains(denied, "coreutils") || slices.Contains(denied, "zlib1g") {
		t.Errorf("as far as weak copyleft, denied are %q", denied)
	}
	t.Logf("%d are warned of; as far as weak copyleft %d are denied", warned, len(v.found("allowed")))
}

// allParitySets is a recipe with the packages of all parity sets.
func allParitySets() string {
	var recipe strings.Builder
	recipe.WriteString("kiln: v1\nname: all\nplatforms: [linux/amd64]\nessential: true\nsources: [{archive: debian, suite: trixie}]\nlayers:\n  - name: base\n    packages:\n")
	seen := map[string]bool{}
	for _, set := range paritySets() {
		for _, name := range strings.Split(set.packages, ",") {
			if name != "" && !seen[name] {
				seen[name] = true
				recipe.WriteString("      - " + name + ": a set of the parity drill\n")
			}
		}
	}
	return recipe.String()
}

// appendTo adds text to the end of a file.
func appendTo(t *testing.T, path, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(data)+text)
}
