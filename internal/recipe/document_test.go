package recipe_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/recipe"
)

// folder writes files below a new folder and returns it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(content), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const small = `kiln: v1
name: web
platforms: [linux/amd64, linux/arm64]
sources:
  - {archive: debian, suite: trixie}
  - {url: "https://packages.example.org/apt", name: vendor, suite: stable, keyring: keys/vendor.asc}
  - {deb: debs/tool.deb}
layers:
  - name: base
    packages:
      - tzdata: zones
      - libc6: {why: glibc, version: ">= 2.41", without: {awk: unused, perl: unused}}
  - name: app
    files:
      - {path: /app, from: bin/app, why: the service}
users:
  - {name: app, uid: 10, why: runs it}
`

func load(t *testing.T, src string) *recipe.Recipe {
	t.Helper()
	dir := folder(t, map[string]string{"kiln.yaml": src, "keys/vendor.asc": "key", "debs/tool.deb": "deb", "bin/app": "app"})
	r, err := recipe.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wants(t *testing.T, r *recipe.Recipe) kiln.Digest {
	t.Helper()
	d, err := r.Wants()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The digest stands in every lock: a change of it makes them all stale.
func TestWantsIsHeldStill(t *testing.T) {
	const want = "sha256:2eefa47408807c2163c44515f098e8c617587027cfd2b1d69a49079c9cfc7eb5"
	if got := wants(t, load(t, small)); got != want {
		t.Errorf("got %s", got)
	}
}

func TestWants(t *testing.T) {
	want := wants(t, load(t, small))
	for _, c := range []struct {
		name, old, new string
		same           bool
	}{
		{"line ends", "\n", "\r\n", true},
		{"comment", "name: web", "# here\nname: web # there", true},
		{"key order", "archive: debian, suite: trixie", "suite: trixie, archive: debian", true},
		{"list order", "linux/amd64, linux/arm64", "linux/arm64, linux/amd64", true},
		{"reason", "tzdata: zones", "tzdata: clocks", true},
		{"reason in the long form", "tzdata: zones", "tzdata: {why: zones}", true},
		{"drop", "why: glibc,", "why: glibc, drop: [/x],", true},
		{"layer", "name: base", "name: other", true},
		{"file", "path: /app", "path: /application", true},
		{"user", "uid: 10", "uid: 11", true},
		{"answer", "layers:", "debconf: [{question: tzdata/Areas, value: Etc, why: it}]\nlayers:", true},
		{"unit", "layers:", "system: {services: {enable: [{unit: ssh.service, why: it}]}}\nlayers:", true},
		{"name of the image", "name: web", "name: web2", true},
		{"default written out", "suite: trixie}", "suite: trixie, pockets: [security, updates], components: [main], priority: 500}", true},
		{"blanks in a constraint", ">= 2.41", ">=2.41", true},
		{"reason to go without", "awk: unused", "awk: not used", true},
		{"slash after the URL", "org/apt", "org/apt/", true},
		{"other spelling of a path", "deb: debs/tool.deb", "deb: ./debs/tool.deb", true},
		{"other layer", "  - name: app\n", "      - zlib1g: zlib\n  - name: app\n", false},
		{"platform", "linux/amd64, linux/arm64", "linux/amd64", false},
		{"suite", "trixie", "sid", false},
		{"pockets", "suite: trixie}", "suite: trixie, pockets: []}", false},
		{"components", "suite: stable,", "suite: stable, components: [main, extra],", false},
		{"priority", "suite: trixie}", "suite: trixie, priority: 400}", false},
		{"URL", "org/apt", "org/debian", false},
		{"keyring", "keyring: keys/vendor.asc", "keyring: kiln.yaml", false},
		{"package", "tzdata: zones", "tzdata-legacy: zones", false},
		{"architecture of a package", "tzdata: zones", "tzdata:arm64: zones", false},
		{"version", ">= 2.41", ">= 2.42", false},
		{"operator", ">= 2.41", ">> 2.41", false},
		{"archive of a package", "why: glibc,", "why: glibc, archive: vendor,", false},
		{"without", "awk: unused", "mawk: unused", false},
		{"essential", "sources:", "essential: true\nsources:", false},
	} {
		src := strings.ReplaceAll(small, c.old, c.new)
		if src == small {
			t.Errorf("%s: nothing was changed", c.name)
		}
		if same := wants(t, load(t, src)) == want; same != c.same {
			t.Errorf("%s: the same wants: %v", c.name, same)
		}
	}
}

// What sources hold counts, not only what they are called.
func TestWantsReadsFiles(t *testing.T) {
	want := wants(t, load(t, small))
	for _, name := range []string{"keys/vendor.asc", "debs/tool.deb"} {
		r := load(t, small)
		path := filepath.Join(filepath.Dir(r.Path()), name)
		if err := os.WriteFile(path, []byte("other"), 0o666); err != nil {
			t.Fatal(err)
		}
		if wants(t, r) == want {
			t.Errorf("%s: the same wants with other content", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err := r.Wants()
		var problems recipe.Problems
		if !errors.As(err, &problems) || problems[0].Line < 6 || !strings.Contains(err.Error(), name) || kiln.CodeOf(err) != kiln.User {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
}

func TestLoad(t *testing.T) {
	good := folder(t, map[string]string{"kiln.yaml": "kiln: v1\nname: x\nplatforms: [linux/amd64]\nlayers: [{name: base}]\n", "bad.yaml": "kiln: v1\nname: X\n"})
	for _, path := range []string{good, good + "/", filepath.Join(good, "kiln.yaml")} {
		r, err := recipe.Load(path)
		if err != nil || r.Path() != filepath.Join(good, "kiln.yaml") {
			t.Errorf("%s: %v", path, err)
		}
	}
	empty := t.TempDir()
	fifo := filepath.Join(empty, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		hints      []string
		missing    bool
	}{
		{empty, "cannot read the recipe \"" + empty + "/kiln.yaml\": no such file", []string{"kiln init " + empty}, true},
		{empty + "/new", "cannot read the recipe \"" + empty + "/new\": no such file", []string{"kiln init " + empty + "/new"}, true},
		{fifo, "it is not a regular file", nil, false},
		{good + "/bad.yaml", "cannot use the recipe \"" + good + "/bad.yaml\": 3 problems\n" + good + "/bad.yaml:1:1: error: ", nil, false},
	} {
		_, err := recipe.Load(c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) || kiln.CodeOf(err) != kiln.User {
			t.Errorf("%s: got %v, code %s", c.path, err, kiln.CodeOf(err))
		}
		if hints := kiln.HintsOf(err); !slices.Equal(hints, c.hints) || errors.Is(err, fs.ErrNotExist) != c.missing {
			t.Errorf("%s: hints %q", c.path, hints)
		}
	}
}

// A recipe that was laid out elsewhere goes by its own name, and finds its files.
func TestLoadAs(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": small, "bad.yaml": "kiln: v2\n", "keys/vendor.asc": "key"})
	r, err := recipe.LoadAs(filepath.Join(dir, "web.yaml"), "web.pack.tar/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if r.Path() != "web.pack.tar/web.yaml" || r.File() != "web.yaml" {
		t.Errorf("it is %q, %q", r.Path(), r.File())
	}
	if b, err := r.ReadFile("keys/vendor.asc"); err != nil || string(b) != "key" {
		t.Errorf("its keyring is %q, %v", b, err)
	}
	_, err = recipe.LoadAs(filepath.Join(dir, "bad.yaml"), "web.pack.tar/bad.yaml")
	if err == nil || !strings.Contains(err.Error(), "web.pack.tar/bad.yaml:1:") || strings.Contains(err.Error(), dir) {
		t.Errorf("a bad one: %v", err)
	}
	if _, err = recipe.LoadAs(filepath.Join(dir, "none.yaml"), "shown/none.yaml"); err == nil || strings.Contains(err.Error(), dir) {
		t.Errorf("none: %v", err)
	}
}

// No host file outside the recipe's folder can be had, whatever lies in it.
func TestConfinement(t *testing.T) {
	r := load(t, small)
	dir := filepath.Dir(r.Path())
	outside := folder(t, map[string]string{"secret": "s"})
	links := map[string]string{"bin/abs": outside + "/secret", "bin/up": "../../" + filepath.Base(filepath.Dir(outside)) + "/x", "bin/dir": outside, "bin/ok": "../bin/app"}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "bin/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin/abs", "bin/up", "bin/dir/secret", "../kiln.yaml", "/etc/passwd", "bin/../../x", "bin", "bin/fifo"} {
		if b, err := r.ReadFile(name); err == nil {
			t.Errorf("%s: read %q", name, b)
		}
	}
	for _, name := range []string{"bin/app", "./bin/app", "bin/ok", "bin/../bin/app"} {
		if b, err := r.ReadFile(name); err != nil || !bytes.Equal(b, []byte("app")) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	root, err := r.Root()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := fs.ReadFile(root.FS(), "bin/dir/secret"); err == nil {
		t.Error("the fs.FS leaves the folder")
	}
}

// A problem that is found later points at the right place.
func TestProblemLater(t *testing.T) {
	r := load(t, small)
	for part, want := range map[string]string{
		"layers[1].files[0].from":       "15:28",
		"layers[app].files[0].from":     "15:28",
		"layers[app].files[0].mode":     "15:9",
		"layers[0].packages[1]":         "12:9",
		"layers[0].packages[1].without": "12:58",
		"layers[0].packages[1].version": "12:38",
		"users[app].uid":                "17:22",
		"sources[2].deb":                "7:11",
		"container.user":                "1:1",
		"layers[nobody]":                "9:3",
		"":                              "1:1",
	} {
		got := r.Problem(part, "cannot")
		if !strings.HasPrefix(got.String(), r.Path()+":"+want+": error: cannot\n") {
			t.Errorf("%q: %s", part, got)
		}
	}
	if p := (&recipe.Recipe{}).Problem("layers[0]", "cannot"); p.Text != "cannot" {
		t.Errorf("of a recipe made by hand: %+v", p)
	}
	if _, err := (&recipe.Recipe{Sources: []recipe.Source{{Deb: "x.deb"}}}).Wants(); err == nil {
		t.Error("a recipe made by hand read a file")
	}
}

func TestLine(t *testing.T) {
	r := load(t, small)
	for part, want := range map[string]int{
		"name": 2, "sources[2].deb": 7, "layers[base].packages[1]": 12, "layers[0].packages[1].why": 12, "layers[app].files[0]": 15, "users[app].uid": 17, "users[0]": 17,
		"layers[app].nosuch": 13, "essential": 1,
	} {
		if got := r.Line(part); got != want {
			t.Errorf("%s is at line %d, want %d", part, got, want)
		}
	}
	if got := (&recipe.Recipe{}).Line("name"); got != 0 {
		t.Errorf("a recipe made by hand has a line %d", got)
	}
}

func TestNearest(t *testing.T) {
	for _, row := range []struct{ s, want string }{{"usr", "user"}, {"uint", "unit"}, {"packge", "package"}, {"nothing", ""}, {"", ""}} {
		if got := recipe.Nearest(row.s, []string{"user", "group", "unit", "package"}); got != row.want {
			t.Errorf("Nearest(%q) = %q, want %q", row.s, got, row.want)
		}
	}
}
