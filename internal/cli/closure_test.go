package cli_test

import (
	"os"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
	"kiln/internal/linkage/linkagetest"
)

const linkedRecipe = `kiln: v1
name: web
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
layers:
  - name: base
    packages:
      - app: {why: the service}
    drop:
      - /usr/share/junk: nobody reads it
container:
  entrypoint: [/usr/bin/app]
`

// linked is an archive with a program, its library, a plugin whose library nobody
// has, a script without a shell, and a link that leads nowhere.
func linked() apttest.Suite {
	const lib = "usr/lib/x86_64-linux-gnu/"
	elf := func(p string, s linkagetest.Spec) debtest.Entry {
		return debtest.Entry{Path: p, Content: string(linkagetest.File(s)), Mode: 0o755}
	}
	return later(0,
		pkg("app", "1.0", "amd64", func(s *debtest.Spec) {
			s.Fields = []string{"Depends: libapp1"}
			entries(
				elf("usr/bin/app", linkagetest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libapp.so.1"}}),
				elf("usr/lib/app/plugin.so", linkagetest.Spec{Needed: []string{"libexotic.so.3"}}),
				debtest.Entry{Path: "usr/bin/app-config", Content: "#!/bin/sh\n", Mode: 0o755},
				debtest.Entry{Path: "usr/lib/app/data", Link: "/var/lib/app"},
				debtest.Entry{Path: "usr/share/junk", Content: "junk"},
			)(s)
		}),
		pkg("libapp1", "1.0", "amd64", entries(
			elf(lib+"libapp.so.1", linkagetest.Spec{Soname: "libapp.so.1"}),
			elf(lib+"ld-linux-x86-64.so.2", linkagetest.Spec{Soname: "ld-linux-x86-64.so.2"}),
			debtest.Entry{Path: "usr/lib64/ld-linux-x86-64.so.2", Link: "/" + lib + "ld-linux-x86-64.so.2"},
		)))
}

func newLinked(t *testing.T, change ...string) *scene {
	t.Helper()
	s := newScene(t, apttest.New(linked()))
	s.recipe(strings.NewReplacer(change...).Replace(linkedRecipe))
	return s
}

// What an image starts must find what it needs: the build stops before anything is
// written, and says what the recipe has to do with it.
func TestLackingStopsTheBuild(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		summary, old, new string
		want              []string
	}{
		{"a dependency not followed", "{why: the service}", "{why: the service, without: {libapp1: a test}}", []string{
			"cannot use the image for linux/amd64: it does not have what its files need\n  /usr/bin/app is started by the dynamic linker /lib64/ld-linux-x86-64.so.2, which is not in the image\n" +
				"    package app, by layers[base].packages[0], started by container.entrypoint\n    layers[base].packages[0] takes app without libapp1\n",
			"/usr/bin/app needs the library libapp.so.1, which is not in the image",
			"closure:\n  accept:\n    - {path: \"/usr/bin/app\", missing: \"/lib64/ld-linux-x86-64.so.2\", why: ...}\n",
			"try: name the package that has it under packages: (on a Debian machine, apt-file search ld-linux-x86-64.so.2 tells which)",
			"try: leave out what needs it: drop: [/usr/bin/app] of the package app",
		}},
		{"a library dropped", "      - /usr/share/junk: nobody reads it", "      - /usr/lib/*/libapp.so.1: a test", []string{
			"/usr/bin/app needs the library libapp.so.1, which is not in the image\n", "\n    layers[base].drop[0] leaves out /usr/lib/x86_64-linux-gnu/libapp.so.1 of the package libapp1: a test\n",
			"try: have it stay: change layers[base].drop[0], or write keep: [/usr/lib/x86_64-linux-gnu/libapp.so.1]\n",
		}},
		{"no such command", "[/usr/bin/app]", "[/usr/bin/ap]", []string{
			"container.entrypoint starts /usr/bin/ap, which is not in the image", "try: correct container.entrypoint",
		}},
		{"strict", "container:", "closure: {strict: [library, link]}\ncontainer:", []string{
			"/usr/lib/app/plugin.so needs the library libexotic.so.3, which is not in the image", "/usr/lib/app/data is a link that leads to /var/lib/app, which is not in the image",
		}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newLinked(t, row.old, row.new)
			o := s.kiln("build", "web", "-o", "oci:web.oci")
			if o.status != 3 || o.stdout != "" {
				t.Errorf("%s", o)
			}
			for _, want := range row.want {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("no %q in %s", want, o)
				}
			}
			for _, p := range []string{"web.oci", "web/kiln.lock"} {
				if _, err := os.Stat(s.path(p)); err == nil {
					t.Errorf("left %s", p)
				}
			}
		})
	}
}

// What nothing is known to need is told of by every build, also by one that makes
// nothing, and is in the result.
func TestNotesOfTheClosure(t *testing.T) {
	t.Parallel()
	s := newLinked(t)
	const want = `3 files of the image need what it does not have; nothing that it starts is known to use them:
  /usr/lib/app/plugin.so needs the library libexotic.so.3 (app)
  /usr/bin/app-config is a script for /bin/sh (app)
  /usr/lib/app/data is a link that leads to /var/lib/app (app)
to see all: kiln build web --json
to have them stop the build: closure: {strict: [library, link, script]}
`
	for _, how := range []string{"made", "recalled"} {
		if o := s.does("build", "web", "-o", "oci:web.oci"); !strings.HasSuffix(o.stderr, want) {
			t.Errorf("%s: %s", how, o)
		}
	}
	type result struct {
		Images []struct {
			Findings []struct{ Kind, Path, Missing, Package, Recipe, Accepted string }
		}
	}
	got := decoded[result](t, s.does("build", "web", "--json", "-o", "oci:web.oci").stdout).Images[0].Findings
	if len(got) != 3 || got[0].Kind != "library" || got[0].Package != "app" || got[0].Recipe != "layers[base].packages[0]" || got[0].Accepted != "" {
		t.Errorf("%+v", got)
	}
	s.edit("web/kiln.yaml", "container:", "closure:\n  accept:\n    - {path: /usr/lib/app/*, why: a test}\n    - {path: /usr/bin/*, missing: /bin/sh, platforms: [linux/amd64], why: a test}\ncontainer:")
	o := s.does("build", "web", "-o", "oci:web.oci")
	if strings.Contains(o.stderr, "does not have") {
		t.Errorf("what is accepted is told of: %s", o)
	}
	got = decoded[result](t, s.does("build", "web", "--json", "-o", "oci:web.oci").stdout).Images[0].Findings
	if len(got) != 3 || got[0].Accepted != "closure.accept[0]" || got[1].Accepted != "closure.accept[1]" {
		t.Errorf("%+v", got)
	}
	s.edit("web/kiln.yaml", "/usr/lib/app/*, why", "/usr/lib/app/*, missing: libexotic.so.4, why")
	o = s.kiln("build", "web", "-o", "oci:web.oci")
	if o.status != 1 || !strings.Contains(o.stderr, "web/kiln.yaml:14:14: error: it matches nothing: no such file of the image for linux/amd64 lacks such a thing") ||
		!strings.Contains(o.stderr, "what lacks something: /usr/lib/app/plugin.so, /usr/lib/app/data") {
		t.Errorf("%s", o)
	}
}
