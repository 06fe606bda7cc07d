package recipe_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"kiln"
	"kiln/internal/recipe"
)

var update = flag.Bool("update", false, "write what the tests find as what they expect")

// Each NAME.yaml of the archives has exactly the problems of the NAME.want after it.
func TestProblems(t *testing.T) {
	for _, path := range []string{"testdata/form.txtar", "testdata/meaning.txtar"} {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		next := &txtar.Archive{Comment: archive.Comment}
		for _, f := range archive.Files {
			want[f.Name] = string(f.Data)
		}
		for _, f := range archive.Files {
			name, isRecipe := strings.CutSuffix(f.Name, ".yaml")
			if !isRecipe {
				continue
			}
			_, problems := recipe.Parse("kiln.yaml", f.Data)
			got := problems.Error() + "\n"
			next.Files = append(next.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
			if len(problems) == 0 {
				t.Errorf("%s: %s has no problems", path, name)
			}
			if diff := cmp.Diff(want[name+".want"], got); diff != "" && !*update {
				t.Errorf("%s: %s (-want +got):\n%s", path, name, diff)
			}
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(next), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Bytes that are no text of a recipe.
func TestBadBytes(t *testing.T) {
	const head = "kiln: v1\n"
	for _, c := range []struct{ name, src, want string }{
		{"invalid UTF-8", head + "name: a\xffb\n", "kiln.yaml:2:8: error: the file is not UTF-8 text\n    name: a?b\n           ^\n  byte 0xff; save it as UTF-8"},
		{"UTF-16", "\xff\xfek\x00i\x00", "kiln.yaml:1:1: error: the file is not UTF-8 text\n    ??k?i?\n    ^\n  byte 0xff; save it as UTF-8"},
		{"NUL", head + "name: a\x00b\n", "kiln.yaml:2:8: error: control character U+0000 in the file\n    name: a?b\n           ^\n  take it out; in a text in double quotes it can be written as an escape"},
		{"escape sequence", head + "name: \x1b[31m\n", "kiln.yaml:2:7: error: control character U+001B in the file\n    name: ?[31m\n          ^\n  take it out; in a text in double quotes it can be written as an escape"},
		{"odd line end", "kiln: v1\u2028name: x\n", "kiln.yaml:1:9: error: control character U+2028 in the file\n    kiln: v1?name: x\n            ^\n  take it out; in a text in double quotes it can be written as an escape"},
		{"large", head + strings.Repeat("# ........\n", 100_000), "kiln.yaml:1:1: error: the recipe is too large: 1100009 bytes, at most 1048576 are read\n    kiln: v1\n    ^"},
		{"flow bomb", strings.Repeat("[", 500_000), ""},
		{"block bomb", strings.Repeat("- ", 500_000), ""},
	} {
		r, problems := recipe.Parse("kiln.yaml", []byte(c.src))
		switch {
		case r != nil || len(problems) == 0:
			t.Errorf("%s: no problem", c.name)
		case c.want != "" && problems.Error() != c.want:
			t.Errorf("%s:\n%s\nwant\n%s", c.name, problems, c.want)
		}
	}
}

const whole = `kiln: v1
name: web-base
version: 1.10
summary: |
  Runs
owners: [team, 7]
platforms: [linux/amd64, linux/arm]
essential: true
sources:
  - {archive: debian, suite: trixie}
  - {archive: debian, suite: sid, pockets: [], priority: 100}
  - {url: "https://packages.example.org/apt", name: vendor, suite: stable, components: [a, b], keyring: ./k.asc}
  - {deb: debs/x.deb}
layers:
  - name: base
    packages:
      - tzdata: no
      - libc6: {why: yes, version: '>=2.41', drop: [/a/**], keep: [/b], without: {awk: not used}, archive: vendor}
    drop: [/c/*: big]
    keep: [/d: small]
    files:
      - {path: /e, content: "", mode: 0600, owner: app:0, why: e}
      - {path: /f, link: e, platforms: [linux/arm/v7], why: f}
      - {path: /f, from: f, platforms: [linux/amd64], why: f}
users: [{name: app, uid: 4294967294, why: app}]
groups: [{name: web, gid: 0, members: [app], why: web}]
skip: [{package: tzdata, scripts: [postinst], why: it}]
debconf:
  - {question: tzdata/Zones/Europe, value: Vienna, why: there}
  - {question: a/b, value: true, why: yes}
  - {question: a/B, value: "", why: none}
rules: {off: [no-doc: read]}
container:
  user: app:web
  env: {V: 1.10, T: 2026-01-01, N: null-ish}
  ports: [8080, 53/udp]
  stop-signal: SIGRTMIN+3
  healthcheck: {command: [/f], interval: 1m30s, retries: 3}
system:
  services:
    enable:
      - {unit: ssh.service, why: ssh}
      - {unit: getty@tty1.service, why: getty}
      - {unit: "systemd-[!a-m]*@?.timer", why: pattern}
`

func TestWhole(t *testing.T) {
	empty := ""
	want := &recipe.Recipe{
		Kiln: "v1", Name: "web-base", Version: "1.10", Summary: "Runs\n", Owners: []string{"team", "7"}, Essential: true,
		Platforms: []kiln.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm", Variant: "v7"}},
		Sources: []recipe.Source{
			{Archive: "debian", Name: "debian", Suite: "trixie", Components: []string{"main"}, Pockets: []string{"updates", "security"}, Priority: 500},
			{Archive: "debian", Name: "debian", Suite: "sid", Components: []string{"main"}, Pockets: []string{}, Priority: 100},
			{URL: "https://packages.example.org/apt", Name: "vendor", Suite: "stable", Components: []string{"a", "b"}, Keyring: "./k.asc", Priority: 500},
			{Deb: "debs/x.deb"},
		},
		Layers: []recipe.Layer{{
			Name: "base",
			Packages: []recipe.Package{
				{Name: "tzdata", Why: "no"},
				{Name: "libc6", Why: "yes", Version: ">=2.41", Archive: "vendor", Drop: []string{"/a/**"}, Keep: []string{"/b"}, Without: map[string]string{"awk": "not used"}},
			},
			Drop: []recipe.Glob{{Path: "/c/*", Why: "big"}},
			Keep: []recipe.Glob{{Path: "/d", Why: "small"}},
			Files: []recipe.File{
				{Path: "/e", Content: &empty, Mode: "0600", Owner: "app:0", Why: "e"},
				{Path: "/f", Link: "e", Platforms: []kiln.Platform{{OS: "linux", Architecture: "arm", Variant: "v7"}}, Why: "f"},
				{Path: "/f", From: "f", Platforms: []kiln.Platform{{OS: "linux", Architecture: "amd64"}}, Why: "f"},
			},
		}},
		Users:  []recipe.User{{Name: "app", UID: 4294967294, Home: "/nonexistent", Shell: "/usr/sbin/nologin", Why: "app"}},
		Groups: []recipe.Group{{Name: "web", Members: []string{"app"}, Why: "web"}},
		Skip:   []recipe.Skip{{Package: "tzdata", Scripts: []string{"postinst"}, Why: "it"}},
		Debconf: []recipe.Answer{
			{Question: "tzdata/Zones/Europe", Value: "Vienna", Why: "there"},
			{Question: "a/b", Value: "true", Why: "yes"},
			{Question: "a/B", Value: "", Why: "none"},
		},
		Rules: recipe.Rules{Off: []recipe.RuleOff{{Name: "no-doc", Why: "read"}}},
		Container: recipe.Container{
			User: "app:web", Env: map[string]string{"V": "1.10", "T": "2026-01-01", "N": "null-ish"},
			Ports: []string{"8080", "53/udp"}, StopSignal: "SIGRTMIN+3",
			Healthcheck: &recipe.Healthcheck{Command: []string{"/f"}, Interval: "1m30s", Retries: 3},
		},
		System: recipe.System{Services: recipe.Services{Enable: []recipe.Unit{
			{Unit: "ssh.service", Why: "ssh"},
			{Unit: "getty@tty1.service", Why: "getty"},
			{Unit: "systemd-[!a-m]*@?.timer", Why: "pattern"},
		}}},
	}
	for name, src := range map[string]string{
		"plain":              whole,
		"CRLF":               strings.ReplaceAll(whole, "\n", "\r\n"),
		"byte order mark":    "\ufeff" + whole,
		"no line end at end": strings.TrimSuffix(whole, "\n"),
	} {
		got, problems := recipe.Parse("kiln.yaml", []byte(src))
		if len(problems) > 0 {
			t.Errorf("%s:\n%v", name, problems)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.FilterPath(isDocument, cmp.Ignore())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func isDocument(p cmp.Path) bool { return p.Last().String() == ".document" }

// Names of units as systemd.unit(5) has them, and patterns as systemd.preset(5).
func TestUnitNames(t *testing.T) {
	for name, want := range map[string]bool{
		"ssh.service":                       true,
		"ssh.socket":                        true,
		"fstrim.timer":                      true,
		"cups.path":                         true,
		"multi-user.target":                 true,
		"home.mount":                        true,
		"proc-sys-fs-binfmt_misc.automount": true,
		"dev-sda1.swap":                     true,
		"system.slice":                      true,
		"getty@.service":                    true,
		"getty@tty1.service":                true,
		"a@b@c.service":                     true,
		`systemd-fsck@dev-disk-by\x2duuid.service`: true,
		"dbus-org.freedesktop.x:1.service":         true,
		"*.service":                                true,
		"[[:alpha:]-]?*.socket":                    true,
		"a[]-z].service":                           false,
		"a[.service":                               false,
		"a].service":                               false,
		"a[].service":                              false,
		"a!b.service":                              false,
		"@.service":                                false,
		".service":                                 false,
		"service":                                  false,
		"":                                         false,
		"a.device":                                 false,
		"a.scope":                                  false,
		"a.Service":                                false,
		"a.service ":                               false,
		"a b.service":                              false,
		"a.service\n":                              false,
		"ä.service":                                false,
		"/a.service":                               false,
		"a.*":                                      false,
		strings.Repeat("a", 247) + ".service":      true,
		strings.Repeat("a", 248) + ".service":      false,
	} {
		src := fmt.Sprintf("kiln: v1\nname: x\nplatforms: [linux/amd64]\nlayers: [{name: base}]\nsystem: {services: {enable: [{unit: %q, why: x}]}}\n", name)
		if _, problems := recipe.Parse("kiln.yaml", []byte(src)); (len(problems) == 0) != want {
			t.Errorf("%q: problems %v", name, problems)
		}
	}
}

func TestConstraint(t *testing.T) {
	for text, want := range map[string][2]string{
		"":             {"", ""},
		">= 2.41":      {">=", "2.41"},
		"<<1:2.0~rc-1": {"<<", "1:2.0~rc-1"},
		"1.2-3+b1":     {"=", "1.2-3+b1"},
	} {
		if op, version := (recipe.Package{Version: text}).Constraint(); op != want[0] || version != want[1] {
			t.Errorf("%q: got %q %q", text, op, version)
		}
	}
}

// Whatever the input, the problems are sorted and stand inside the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, problems := recipe.Parse("kiln.yaml", src)
		if (r == nil) == (len(problems) == 0) {
			t.Fatalf("a recipe %v and %d problems", r != nil, len(problems))
		}
		checkPlaces(t, src, problems)
	})
}

func checkPlaces(t *testing.T, src []byte, problems recipe.Problems) {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(bytes.TrimPrefix(src, []byte("\ufeff"))))
	lines := strings.Split(text, "\n")
	for _, p := range problems {
		if p.Line < 1 || p.Line > len(lines) || p.Source != lines[p.Line-1] {
			t.Fatalf("line %d of %d: %+v", p.Line, len(lines), p)
		}
		if width := utf8.RuneCountInString(p.Source); p.Column < 1 || p.Column > width+1 || p.Length < 1 || p.Length > max(width, 1) {
			t.Fatalf("column %d, length %d of %d: %+v", p.Column, p.Length, width, p)
		}
		if strings.ContainsAny(p.Text, "\n\x1b") || p.Text == "" {
			t.Fatalf("text %q", p.Text)
		}
	}
	if !slices.IsSortedFunc(problems, func(a, b recipe.Problem) int { return (a.Line-b.Line)*1000_000 + a.Column - b.Column }) {
		t.Fatalf("not sorted:\n%v", problems)
	}
	_ = problems.Error()
}
