package cli_test

import (
	"strings"
	"testing"
)

// kiln harden explains each rule, with what it answers.
func TestHardenList(t *testing.T) {
	t.Parallel()
	s := newGuarded(t)
	o := s.does("harden", "--list")
	for _, want := range []string{"no-setuid\n  takes the setuid and setgid bits", "  why: whoever breaks into a service", "  CIS: 5.1.20, ", "  STIG: UBTU-24-400110\n", "read-only-root\n", "  except: users that it leaves as they are\n"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in %s", want, o)
		}
	}
	type rules struct {
		Rules []struct {
			Name, Why, Does string
			Answers         []struct{ Benchmark, ID, Title string }
		}
	}
	if got := decoded[rules](t, s.does("harden", "--list", "--json").stdout).Rules; len(got) != 11 || got[0].Name != "no-setuid" || got[0].Answers[0].ID != "7.1.13" {
		t.Errorf("%+v", got)
	}
	if o := s.does("harden", "show", "sshd"); !strings.Contains(o.stdout, "    PermitRootLogin no\n") || !strings.Contains(o.stdout, "  CIS 5.1.20: Ensure sshd PermitRootLogin is disabled\n") {
		t.Errorf("%s", o)
	}
	if o := s.kiln("harden", "show", "ssh"); o.status != 1 || !strings.Contains(o.stderr, "try: the rules are: no-setuid, ") {
		t.Errorf("%s", o)
	}
	if o := s.kiln("harden", "list"); o.status != 2 {
		t.Errorf("%s", o)
	}
}

// The recipe is checked for what contradicts a rule.
func TestHardenInRecipe(t *testing.T) {
	t.Parallel()
	s := newGuarded(t)
	for _, row := range []struct{ harden, want string }{
		{"harden: [no-shell]", "error: unknown rule \"no-shell\"\n    harden: [no-shell]\n             ^~~~~~~~\n  did you mean \"no-shells\"?"},
		{"harden: [no-shells, no-shells: again]", `rule "no-shells" twice`},
		{"harden: [{no-setuid: {except: [/usr/bin/sudo]}}]", "exceptions have no reason"},
		{"harden: [{sshd: {writable: [/srv], why: x}}]", `the rule "sshd" has no folders`},
		{"harden: [noninteractive]\nusers: [{name: op, uid: 1, shell: /bin/sh, why: x}]", `the user "op" has a shell, and harden[0] (noninteractive) gives nobody one`},
		{"harden: [no-docs]\nrules: {off: [no-man: x]}", `the rule "no-man" is off, and harden[0] (no-docs) does the same`},
	} {
		s.recipe(strings.Replace(guardedRecipe, "container:", row.harden+"\ncontainer:", 1))
		if o := s.kiln("build", "web"); o.status != 1 || !strings.Contains(o.stderr, row.want) {
			t.Errorf("%s: no %q in %s", row.harden, row.want, o)
		}
	}
}

// A program that a rule leaves without its interpreter stops the build, with the rule.
func TestHardenedOutOfWork(t *testing.T) {
	t.Parallel()
	s := newGuarded(t, "container:", "harden: [no-shells]\ncontainer:\n  entrypoint: [/usr/bin/app]")
	o := s.kiln("build", "web")
	for _, want := range []string{
		"/usr/bin/app is a script for /bin/sh, which is not in the image\n", "\n    no-shells leaves out /usr/bin/sh of the package app: whoever breaks into a service finds no shell to go on with\n",
		"try: have it stay: harden: [{no-shells: {except: [/usr/bin/sh], why: ...}}]\n",
	} {
		if o.status != 3 || !strings.Contains(o.stderr, want) {
			t.Errorf("no %q in %s", want, o)
		}
	}
}

// What is written to is a volume of a container whose root is read-only.
func TestReadOnlyContainer(t *testing.T) {
	t.Parallel()
	s := newGuarded(t, "why: settings}", "why: settings}\n      - {path: /srv/data, directory: true, why: state}", "container:", "harden: [{read-only-root: {writable: [/srv/data], why: state}}]\ncontainer:")
	s.does("build", "web", "-o", "oci-archive:web.tar")
	if text := s.read("web.tar"); !strings.Contains(text, `"Volumes":{"/srv/data":{}}`) {
		t.Error("the configuration has no such volume")
	}
}
