package cli_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// everything is all that there is to ask of serviceRecipe's image.
func everything() []string {
	return []string{
		"/etc/svc.state", "/usr/bin/svc", "/bin/svc-link", "/usr/share/man/man1/svc.1", "/usr/share/svc/big/file", "/usr/share/svc/big/made",
		"/usr/share/svc/once", "/usr/share/svc/gone", "/etc/app.conf", "/srv/data/", "/usr/share/quiet/loud", "/etc/passwd", "/var/lib/svc",
		"/var/lib/dpkg/status", "/bin", "/usr", "/", "user:svc", "user:app", "user:root", "group:readers", "group:svc", "unit:svc", "unit:svc-clean.timer",
		"unit:svc-idle.service", "unit:addon.socket", "package:tools", "package:svc", "package:quiet:all",
	}
}

func TestWhyText(t *testing.T) {
	t.Parallel()
	s := newService(t)
	o := s.does(append([]string{"why", "web", "--locked"}, everything()...)...)
	if o.stderr != "" {
		t.Errorf("says %q", o.stderr)
	}
	golden(t, "why.golden", o.stdout)
}

// whyJSON is what the tests read of kiln why --json.
type whyJSON struct {
	Recipe, Platform string
	Answers          []struct {
		Subject string
		Path    *struct {
			Path    string
			Through []string
			Entry   *struct {
				Type, Mode, Owner, Link, Leads string
				UID, GID                       int
				Size                           int64
				Content                        kiln.Digest
				Names                          []string
			}
			Layers  []string
			Made    madeJSON
			Changes []struct {
				Script, What string
				Args         []string
			}
			Dropped []struct {
				By   *lineJSON
				Rule *struct{ Name, Why string }
				Made madeJSON
			}
		}
		Account *struct {
			Kind, Name, Group, Home, Shell string
			ID, GID                        int
			Made                           madeJSON
		}
		Unit *struct {
			Name    string
			Enabled bool
			Recipe  *lineJSON
			Wanted  []struct{ Script string } `json:"wanted_by"`
			Links   []struct{ Path, Link string }
		}
		Package *struct {
			Unmade   string
			Packages []struct {
				Name, Version, Architecture, Layer, Archive, Path string
				Digest                                            kiln.Digest
				Release                                           *struct{ Digest kiln.Digest }
				Chains                                            []chainJSON
				Scripts                                           []struct {
					Script  string
					Skipped *lineJSON
				}
				Files, Dropped, Scripted int
				Bytes                    int64
			}
		}
	}
}

type madeJSON struct {
	Recipe   *lineJSON
	Required *chainJSON
	Package  *struct{ Name, Version, Archive string }
	Script   string
	Changed  *madeJSON
	Rule     *struct{ Name, Why string }
}

type lineJSON struct {
	Part, Name, File, Why string
	Line                  int
}

type chainJSON struct {
	Recipe   lineJSON
	Packages []string
}

func (s *scene) why(subjects ...string) whyJSON {
	s.t.Helper()
	return decoded[whyJSON](s.t, s.does(append([]string{"why", "web", "--json"}, subjects...)...).stdout)
}

// What is told of an entry is what stands in the image that is built.
func TestWhyTellsOfTheImage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.does("build", "web", "-o", "folder:root")
	for _, a := range s.why("/etc/svc.state", "/usr/bin/svc", "/etc/passwd", "/var/lib/dpkg/status", "/etc/app.conf").Answers {
		content := s.read("root" + a.Path.Path)
		if e := a.Path.Entry; e.Content != kiln.DigestOf([]byte(content)) || e.Size != int64(len(content)) {
			t.Errorf("%s is %s, %d bytes; in the image: %q", a.Subject, e.Content, e.Size, content)
		}
	}
	for _, name := range []string{"usr/share/svc/once", "usr/share/svc/gone", "usr/share/svc/big", "usr/share/man/man1/svc.1", "usr/share/quiet/loud", "etc/svc.tmp"} {
		if _, err := os.Lstat(s.path("root/" + name)); !os.IsNotExist(err) {
			t.Errorf("%s is in the image: %v", name, err)
		}
	}
	if !strings.Contains(s.read("root/etc/passwd"), "\nsvc:!:100:100:The service:/var/lib/svc:/usr/sbin/nologin\n") {
		t.Errorf("the image has other users:\n%s", s.read("root/etc/passwd"))
	}
	if to, err := os.Readlink(s.path("root/etc/systemd/system/multi-user.target.wants/svc.service")); to != "/usr/lib/systemd/system/svc.service" {
		t.Errorf("svc.service is not enabled: %q, %v", to, err)
	}
}

// The chain of a file that one package's script made and another's changed goes
// back to the recipe for both, with the lines of scripts and recipe.
func TestWhyChain(t *testing.T) {
	t.Parallel()
	s := newService(t)
	lineOf := func(file, text string) int {
		t.Helper()
		for i, line := range strings.Split(file, "\n") {
			if strings.Contains(line, text) {
				return i + 1
			}
		}
		t.Fatalf("no %q in %q", text, file)
		return 0
	}
	recipe := s.read("web/kiln.yaml")
	answers := s.why("/etc/svc.state", "package:tools", "unit:svc", "user:svc").Answers

	state := answers[0].Path
	if diff := cmp.Diff([]string{"base", "app"}, state.Layers); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	want := chainJSON{lineJSON{"layers[base].packages[0]", "svc", "web/kiln.yaml", "the service of this image", lineOf(recipe, "- svc:")}, []string{"svc"}}
	if diff := cmp.Diff(&want, state.Made.Required); diff != "" || state.Made.Package.Name != "svc" || state.Made.Script != "" {
		t.Errorf("made by %+v (-want +got):\n%s", state.Made, diff)
	}
	want = chainJSON{lineJSON{"layers[app].packages[0]", "addon", "web/kiln.yaml", "it makes the service faster", lineOf(recipe, "- addon:")}, []string{"addon"}}
	if diff := cmp.Diff(&want, state.Made.Changed.Required); diff != "" || state.Made.Changed.Script != "addon.postinst:"+strconv.Itoa(lineOf(addonPostinst, "svc.state")) {
		t.Errorf("changed by %+v (-want +got):\n%s", state.Made.Changed, diff)
	}

	tools := answers[1].Package.Packages[0]
	var chains []string
	for _, c := range tools.Chains {
		chains = append(chains, c.Recipe.Name+": "+strings.Join(c.Packages, " "))
	}
	if diff := cmp.Diff([]string{"svc: svc middle tools", "addon: addon tools"}, chains); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
	lock := s.read("web/kiln.lock")
	for _, text := range []string{tools.Digest.Hex(), string(tools.Release.Digest), tools.Path, tools.Archive, tools.Version} {
		if text == "" || !strings.Contains(lock, text) {
			t.Errorf("the lock does not have %q", text)
		}
	}

	unit := answers[2].Unit
	if !unit.Enabled || unit.Recipe.Line != lineOf(recipe, "unit: svc.service") || unit.Wanted[0].Script != "svc.postinst:"+strconv.Itoa(lineOf(svcPostinst, "enable svc.service")) {
		t.Errorf("the unit is %+v", unit)
	}
	if a := answers[3].Account; a.ID != 100 || a.GID != 100 || a.Made.Script != "svc.postinst:"+strconv.Itoa(lineOf(svcPostinst, "adduser")) {
		t.Errorf("the user is %+v", a)
	}
}

// Of two reasons to leave something out the one that held is named; what nothing
// brings is an error with the nearest that there is, and the rest is answered.
func TestWhyNot(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.refuses("why web /etc/svc.stat", 1, `kiln: there is nothing at "/etc/svc.stat", and no package ships it`, "try: the nearest that there is: kiln why web /etc/svc.state\n")
	s.refuses("why web /bin/svcc", 1, `nothing at "/bin/svcc"`, "kiln why web /usr/bin/svc\n")
	s.refuses("why web /usr/share/man/man1/svc.2", 1, "kiln why web /usr/share/man/man1/svc.1\n")
	s.refuses("why web /etc/passwd/x", 1, `nothing at "/etc/passwd/x"`)
	s.refuses("why web /nowhere", 1, `nothing at "/nowhere"`)
	s.refuses("why web user:svcs", 1, `there is no user "svcs" in the image for linux/amd64`, "try: kiln why web user:svc\n")
	s.refuses("why web group:reader", 1, `there is no group "reader"`, "try: kiln why web group:readers\n")
	s.refuses("why web unit:svc-clen.timer", 1, `there is no unit "svc-clen.timer"`, "try: kiln why web unit:svc-clean.timer\n")
	s.refuses("why web package:tool", 1, `there is no package "tool"`, "try: kiln why web package:tools\n")
	s.refuses("why web package:tools:arm64", 1, `there is no package "tools:arm64"`)

	o := s.kiln("why", "web", "user:nobody", "user:nil", "/etc/svc.state")
	if o.status != 1 || !strings.Contains(o.stdout, "user:nobody\n") || !strings.Contains(o.stdout, "/etc/svc.state\n") || !strings.Contains(o.stderr, `no user "nil"`) {
		t.Errorf("of three, one is missing: %s", o)
	}
	for _, row := range []struct{ path, by string }{
		{"/usr/share/man/man1/svc.1", "rule no-man"}, {"/usr/share/svc/big/file", "layers[base].drop[0]"}, {"/usr/share/quiet/loud", "layers[app].packages[1].keep[0]"},
	} {
		p := s.why(row.path).Answers[0].Path
		by := ""
		if d := p.Dropped[0]; d.Rule != nil {
			by = "rule " + d.Rule.Name
		} else {
			by = d.By.Part
		}
		if p.Entry != nil || len(p.Dropped) != 1 || by != row.by {
			t.Errorf("%s is left out by %q, want %q", row.path, by, row.by)
		}
	}
}

// What is to be asked of what is found out without ambiguity.
func TestWhyArguments(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, row := range []struct {
		args   string
		status int
		texts  []string
	}{
		{"why", 2, []string{"kiln why wants something to tell about", "try: kiln why /etc/passwd"}},
		{"why web", 2, []string{`cannot tell about "web": want a path of the image, which begins with a slash`, "try: kiln why web /PATH, if it is the recipe"}},
		{"why web etc/passwd", 2, []string{`cannot tell about "etc/passwd"`, "try: kiln why /etc/passwd"}},
		{"why web usr:x", 2, []string{`cannot tell about "usr:x"`, "try: kiln why user:x"}},
		{"why web user:", 2, []string{`cannot tell about "user:"`}},
		{"why /etc/passwd", 1, []string{`cannot read the recipe "kiln.yaml"`}},
		{"why /nowhere/a /nowhere/b", 1, []string{`cannot read the recipe "/nowhere/a"`, "try: kiln why . /nowhere/a /nowhere/b, if these are all paths of the image"}},
		{"why web /etc --platform linux/arm64", 1, []string{"cannot build for linux/arm64: the recipe names only [linux/amd64]"}},
		{"why web /etc --platform pdp11", 2, []string{"pdp11"}},
	} {
		s.refuses(row.args, row.status, row.texts...)
	}
	cmd := s.command("why", "user:svc", "/etc/passwd")
	cmd.Dir = s.path("web")
	if o := finish(t, cmd); o.status != 0 || !strings.HasPrefix(o.stdout, "user:svc\n") {
		t.Errorf("of the current folder: %s", o)
	}
}

// Nothing is written: not even the lock that had to be made.
func TestWhyWritesNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	want := s.does("why", "web", "/etc/passwd")
	s.remove("web/kiln.lock")
	s.refuses("why web /etc/passwd --locked", 1, "there is no lock")
	s.refuses("scripts web --locked", 1, "there is no lock")
	before := s.snapshot()
	got := s.does("why", "web", "/etc/passwd")
	s.unchanged("kiln why", before)
	if got.stdout != want.stdout || !strings.Contains(got.stderr, "this lock is not written: kiln lock writes it") {
		t.Errorf("without a lock: %s", got)
	}
	if o := s.does("why", "web", "/etc/passwd", "-q"); o.stderr != "" {
		t.Errorf("-q says %q", o.stderr)
	}
}

// Where scripts stop the build, packages are told of all the same: one of them may
// have to go.
func TestWhyWithoutImage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.edit("web/kiln.yaml", "skip:\n  - {package: quiet, scripts: [postinst], why: it greets}\n", "")
	s.refuses("why web /etc/passwd", 1, `cannot configure the package "quiet_1.0_all"`)
	s.refuses("why web package:tools user:svc", 1, `cannot configure the package "quiet_1.0_all"`)
	p := s.why("package:tools").Answers[0].Package
	if !strings.Contains(p.Unmade, `cannot configure the package "quiet_1.0_all"`) {
		t.Errorf("does not say why there is no image: %q", p.Unmade)
	}
	var names []string
	for _, c := range p.Packages[0].Chains {
		names = append(names, c.Recipe.Part+" "+strings.Join(c.Packages, " "))
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"layers[app].packages[0] addon tools", "layers[base].packages[0] svc middle tools"}, names); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
	if o := s.does("why", "web", "package:quiet"); !strings.Contains(o.stdout, "it cannot be made, so no more is known: cannot configure the package") || strings.Contains(o.stdout, "scripts:") {
		t.Errorf("%s", o)
	}
}

// The answer is of the platform that was asked for, and what is marked Essential
// needs no line of its own.
func TestWhyPlatformAndEssential(t *testing.T) {
	t.Parallel()
	suite := stable()
	for _, arch := range []string{"amd64", "arm64"} {
		suite.Packages = append(suite.Packages, pkg("first", "1", arch, func(s *debtest.Spec) { s.Fields = []string{"Essential: yes", "Depends: libalpha"} }))
	}
	s := newScene(t, apttest.New(suite))
	s.edit("web/kiln.yaml", "platforms: [linux/amd64]\n", "platforms: [linux/arm64, linux/amd64]\nessential: true\n")
	s.does("lock", "web")
	for _, arch := range []string{"amd64", "arm64"} {
		w := s.why("/usr/share/first/version", "package:libalpha", "--platform", "linux/"+arch)
		first, lib := w.Answers[0].Path.Made, w.Answers[1].Package.Packages[0]
		if w.Platform != "linux/"+arch || lib.Architecture != arch {
			t.Errorf("%s: %s, %s", arch, w.Platform, lib.Architecture)
		}
		if want := (&chainJSON{lineJSON{Part: "essential", File: "web/kiln.yaml", Line: 5}, []string{"first"}}); !cmp.Equal(want, first.Required) {
			t.Errorf("%s: required by (-want +got):\n%s", arch, cmp.Diff(want, first.Required))
		}
		if len(lib.Chains) != 2 {
			t.Errorf("%s: libalpha is required by %+v, want alpha and what is Essential", arch, lib.Chains)
		}
	}
}

// Of two architectures of one package each answers for itself.
func TestWhyForeignArchitecture(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(twoArchs()))
	head, _, _ := strings.Cut(recipeText, "      - alpha")
	s.recipe(head + "      - lib: new programs link to it\n  - name: more\n    packages:\n      - lib:i386: old programs link to it\n    drop:\n      - /usr/lib/i386/lib.so: not this one\n")
	s.does("lock", "web")
	w := s.why("package:dep", "package:dep:i386", "/usr/lib/amd64/dep.so", "/usr/lib/i386/dep.so", "/usr/lib/i386/lib.so")
	var got []string
	for _, a := range w.Answers[:2] {
		for _, p := range a.Package.Packages {
			got = append(got, p.Architecture+": "+p.Chains[0].Recipe.Name+" "+strings.Join(p.Chains[0].Packages, " "))
		}
	}
	for _, a := range w.Answers[2:4] {
		got = append(got, strings.Join(a.Path.Made.Required.Packages, " "))
	}
	dropped := w.Answers[4].Path.Dropped[0]
	got = append(got, dropped.By.Part+" "+strings.Join(dropped.Made.Required.Packages, " "))
	want := []string{
		"amd64: lib lib dep", "i386: lib:i386 lib:i386 dep:i386", "i386: lib:i386 lib:i386 dep:i386", "lib dep", "lib:i386 dep:i386", "layers[more].drop[0] lib:i386",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
}

// The scripts of two architectures of one package are told apart in all that they
// did: files, changes of each other's, groups, wishes.
func TestWhyForeignScripts(t *testing.T) {
	t.Parallel()
	suite := twoArchs()
	for i := range suite.Packages {
		if p := &suite.Packages[i]; p.Name == "lib" {
			p.Entries = append(p.Entries, debtest.Entry{Path: "usr/sbin/groupadd", Mode: 0o755}, debtest.Entry{Path: "usr/bin/systemctl", Mode: 0o755})
			p.Scripts = []debtest.Script{{Name: "postinst", Content: "#!/bin/sh\nset -e\necho $1 > /srv-$DPKG_MAINTSCRIPT_ARCH\n" +
				"echo more >> /srv-both\ngroupadd -r g$DPKG_MAINTSCRIPT_ARCH\nsystemctl restart x-$DPKG_MAINTSCRIPT_ARCH\n"}}
		}
	}
	s := newScene(t, apttest.New(suite))
	head, _, _ := strings.Cut(recipeText, "      - alpha")
	s.recipe(head + "      - lib: new programs link to it\n      - lib:i386: old programs link to it\n")
	s.does("lock", "web")
	var got []string
	made := func(m madeJSON) string {
		text := strings.Join(m.Required.Packages, " ") + " " + m.Script
		if m.Changed != nil {
			text += " changed by " + m.Changed.Script + " of " + m.Changed.Required.Packages[0]
		}
		return text
	}
	for _, a := range s.why("/srv-amd64", "/srv-i386", "/srv-both").Answers {
		got = append(got, made(a.Path.Made))
		for _, c := range a.Path.Changes {
			got = append(got, c.Script+" "+c.What)
		}
	}
	for _, a := range s.why("group:gamd64", "group:gi386").Answers {
		got = append(got, made(a.Account.Made))
	}
	want := []string{
		"lib lib.postinst:3", "lib.postinst made",
		"lib:i386 lib:i386.postinst:3", "lib:i386.postinst made",
		"lib  changed by lib:i386.postinst:4 of lib:i386", "lib.postinst made", "lib:i386.postinst size, content",
		"lib lib.postinst:5", "lib:i386 lib:i386.postinst:5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what they made (-want +got):\n%s", diff)
	}
	scripts := s.does("scripts", "web").stdout
	for _, wish := range []string{"(lib.postinst:6)", "(lib:i386.postinst:6)"} {
		if !strings.Contains(scripts, wish) {
			t.Errorf("no wish of %s in\n%s", wish, scripts)
		}
	}
}
