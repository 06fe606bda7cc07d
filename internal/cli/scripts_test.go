package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

func TestScriptsText(t *testing.T) {
	t.Parallel()
	s := newService(t)
	golden(t, "scripts.golden", s.does("scripts", "web").stdout)
	golden(t, "scripts-all.golden", s.does("scripts", "web", "svc", "tools", "--all").stdout)
	s.refuses("scripts web svd", 1, `there is no package "svd" in the image for linux/amd64`, "try: kiln scripts web svc\n")
	if o := s.does("scripts", "web", "quiet"); o.stdout != "quiet 1.0 all\n     - postinst: skipped by web/kiln.yaml:24: skip[0]: it greets\n"+
		"1 package, 0 scripts run, 1 skipped, 0 entries changed, 0 wishes not carried out\n" {
		t.Errorf("%s", o)
	}
}

type scriptsJSON struct {
	Recipe, Platform string
	Packages         []struct {
		Name, Version, Architecture string
		Runs                        []struct {
			Order         int
			Script        string
			Args          []string
			Skipped       *lineJSON
			Changes       []struct{ Path, Change string }
			Users, Groups []string
			Wishes        []struct {
				Kind, Subject, Script string
				Recipe                *lineJSON
			}
		}
	}
	Summary map[string]int
}

// The JSON has everything, in the order in which scripts ran, and its sums are
// those of its parts.
func TestScriptsJSON(t *testing.T) {
	t.Parallel()
	s := newService(t)
	r := decoded[scriptsJSON](t, s.does("scripts", "web", "--json").stdout)
	var runs, wishes []string
	sums := map[string]int{"packages": len(r.Packages), "run": 0, "skipped": 0, "entries": 0, "wishes": 0}
	for _, p := range r.Packages {
		for _, run := range p.Runs {
			runs = append(runs, strings.Join(append([]string{fmt.Sprint(run.Order), p.Name, run.Script}, run.Args...), " "))
			sums["entries"] += len(run.Changes)
			if run.Skipped != nil {
				sums["skipped"]++
				continue
			}
			sums["run"]++
			for _, w := range run.Wishes {
				line := w.Kind + " " + w.Subject + " " + w.Script
				if w.Recipe != nil {
					line += " " + w.Recipe.Part
				} else {
					sums["wishes"]++
				}
				wishes = append(wishes, line)
			}
		}
	}
	if diff := cmp.Diff([]string{"1 svc preinst install", "2 svc postinst configure ", "3 addon postinst configure ", "0 quiet postinst"}, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"enable svc.service svc.postinst:9 system.services.enable[0]", "enable svc-clean.timer svc.postinst:10", "daemon-reload  svc.postinst:11",
		"restart svc addon.postinst:6", "enable addon.socket addon.postinst:7",
	}, wishes); diff != "" {
		t.Errorf("wishes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(r.Summary, sums); diff != "" {
		t.Errorf("the summary (-printed +counted):\n%s", diff)
	}
	post := r.Packages[0].Runs[1]
	changes := map[string]string{}
	for _, c := range post.Changes {
		changes[c.Path] = c.Change
	}
	for path, want := range map[string]string{"/etc/svc.state": "added", "/usr/bin/svc": "changed", "/usr/share/svc/once": "removed", "/etc/svc.tmp": "", "/usr/bin/svc-link": "added"} {
		if changes[path] != want {
			t.Errorf("%s: %q, want %q", path, changes[path], want)
		}
	}
	if diff := cmp.Diff([][]string{{"svc"}, {"svc"}}, [][]string{post.Users, post.Groups}); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// Units that packages want enabled are listed after the image, in few lines,
// on standard error alone.
func TestBuildListsUnits(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const want = `packages want these units enabled, and the recipe does not enable them:
  addon.socket (addon), svc-clean.timer (svc)
to enable one, write in the recipe:
  system: {services: {enable: [{unit: addon.socket, why: ...}]}}
`
	o := s.does("build", "web")
	if after := o.messages(); after != want || strings.Contains(o.stdout, "addon.socket") {
		t.Errorf("%s", o)
	}
	for _, quiet := range []string{"-q", "--json"} {
		if o := s.does("build", "web", quiet); o.stderr != "" {
			t.Errorf("%s: %s", quiet, o)
		}
	}
	type image struct {
		Units []struct {
			Name    string
			Wanted  []string `json:"wanted_by"`
			Enabled bool
		}
	}
	var got []string
	for _, u := range decoded[struct{ Images []image }](t, s.does("build", "web", "--json").stdout).Images[0].Units {
		got = append(got, fmt.Sprint(u.Name, " ", u.Wanted, " ", u.Enabled))
	}
	if diff := cmp.Diff([]string{"addon.socket [addon.postinst:7] false", "svc-clean.timer [svc.postinst:10] false", "svc.service [svc.postinst:9] true"}, got); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	s.edit("web/kiln.yaml", "      - {unit: svc.service, why: this image is for it}\n", "      - {unit: \"*\", why: all of them}\n")
	if o := s.does("build", "web"); o.messages() != "" {
		t.Errorf("all are enabled: %s", o)
	}
	// What the message says to write works.
	before, _, _ := strings.Cut(s.read("web/kiln.yaml"), "system:\n")
	s.write("web/kiln.yaml", before+strings.TrimSpace(want[strings.Index(want, "  system:"):])+"\n")
	if o := s.does("build", "web"); strings.Contains(o.stderr, "addon.socket") || !strings.Contains(o.stderr, "svc.service") {
		t.Errorf("addon.socket is enabled: %s", o)
	}
}

// Of very many units only some are named.
func TestBuildListsFewUnits(t *testing.T) {
	t.Parallel()
	script := "#!/bin/sh\n"
	var files []debtest.Entry
	for i := range 40 {
		name := fmt.Sprintf("unit-%02d.timer", i)
		files = append(files, debtest.Entry{Path: "usr/lib/systemd/system/" + name, Content: "[Install]\nWantedBy=timers.target\n"})
		script += "deb-systemd-helper enable " + name + "\n"
	}
	files = append(files, debtest.Entry{Path: "usr/bin/deb-systemd-helper", Mode: 0o755, Content: "a program"})
	s := newScene(t, apttest.New(withBeta(1, func(s *debtest.Spec) {
		s.Scripts = []debtest.Script{{Name: "postinst", Content: script}}
		entries(files...)(s)
	})))
	s.does("lock", "web")
	o := s.does("build", "web")
	text := strings.Join(strings.Fields(o.stderr), " ")
	if !strings.Contains(text, "unit-11.timer (beta), and 28 more to see all: kiln scripts web to enable one,") || strings.Contains(text, "unit-12") {
		t.Errorf("%s", o)
	}
	for line := range strings.Lines(o.stderr) {
		if len(line) > 80 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	if strings.Count(o.messages(), "\n") > 10 {
		t.Errorf("too much: %s", o)
	}
}
