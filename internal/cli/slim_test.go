package cli_test

import (
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
	"kiln/internal/linkage/linkagetest"
)

// spacious is linked with a package more, of which the image has no use.
func spacious() apttest.Suite {
	s := linked()
	lib := debtest.Entry{Path: "usr/lib/x86_64-linux-gnu/libidle.so.1", Mode: 0o755, Content: string(linkagetest.File(linkagetest.Spec{Soname: "libidle.so.1"}))}
	idle := pkg("libidle1", "1.0", "amd64", entries(lib, debtest.Entry{Path: "usr/share/libidle/table", Content: noise(4000)}))
	s.Packages = append(s.Packages, idle, pkg("suite", "1.0", "all", fields("Depends: app, libidle1")))
	return s
}

// kiln slim proposes and changes nothing; what a trace names counts as needed.
func TestSlim(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(spacious()))
	s.recipe(strings.Replace(linkedRecipe, "- app: {why: the service}", "- app: {why: the service}\n      - suite: {why: a test}", 1))
	s.does("lock", "web")
	recipe, lock := s.read("web/kiln.yaml"), s.read("web/kiln.lock")
	o := s.does("slim", "web")
	want := `needed: container.entrypoint (/usr/bin/app); programs and libraries of the packages that the recipe names

4.3 kB  libidle1, 4 files
  write:     - suite: {why: ..., without: {libidle1: ...}}
  based on:  nothing that the image starts or the recipe names is linked with it or starts it by name
  risk:      a program that opens it by itself (dlopen) or calls it misses it: trace a run to know

trace a run to have all files judged: --trace-file
`
	if head, rest, _ := strings.Cut(o.stdout, "\n"); rest != want || !strings.HasPrefix(head, "web/kiln.yaml linux/amd64: 4.3 kB of ") {
		t.Errorf("%s", o)
	}

	s.write("run.strace", `execve("/usr/bin/app", ["app"], 0x1) = 0
openat(AT_FDCWD, "/usr/share/libidle/table", O_RDONLY) = 3
openat(AT_FDCWD, "data", O_RDONLY) = 4
`)
	type report struct {
		Saved, Bytes int64
		Traces       []struct {
			File                   string
			Paths, Found, Relative int
		}
		Proposals []struct {
			Action, Package, Recipe string
			Patterns                []struct{ Path string }
		}
	}
	got := decoded[report](t, s.does("slim", "web", "--json", "--trace-file", "run.strace").stdout)
	var told []string
	for _, p := range got.Proposals {
		line := p.Action + " " + p.Package
		for _, pattern := range p.Patterns {
			line += " " + pattern.Path
		}
		told = append(told, line)
	}
	const proposed = "drop app /usr/lib/app/** /usr/share/app/**; drop libidle1 /usr/lib/*/libidle.so.1 /usr/share/libidle1/**; drop libapp1 /usr/share/libapp1/**; drop suite /usr/share/suite/**"
	if text := strings.Join(told, "; "); text != proposed || got.Saved <= 0 || got.Saved >= got.Bytes {
		t.Errorf("%q, %+v", text, got)
	}
	if len(got.Traces) != 1 || got.Traces[0].Paths != 2 || got.Traces[0].Found != 2 || got.Traces[0].Relative != 1 {
		t.Errorf("%+v", got.Traces)
	}

	s.write("other.txt", "/var/lib/docker/overlay2/x/merged/usr/bin/app\n")
	if o := s.kiln("slim", "web", "--trace-file", "other.txt"); o.status != 1 || !strings.Contains(o.stderr, `cannot use the trace "other.txt": of its paths (1) none is a file of the image`) {
		t.Errorf("%s", o)
	}
	if o := s.kiln("slim", "web", "--trace-file", "gone"); o.status != 1 || !strings.Contains(o.stderr, `cannot read the trace "gone"`) {
		t.Errorf("%s", o)
	}
	if s.read("web/kiln.yaml") != recipe || s.read("web/kiln.lock") != lock {
		t.Error("the recipe or the lock has changed")
	}
}
