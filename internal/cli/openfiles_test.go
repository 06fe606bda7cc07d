package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// However many packages, layers, platforms and processors: 64 open files are enough,
// from a cold store and from one that keeps what it made.
func TestFewOpenFiles(t *testing.T) {
	t.Parallel()
	const layers, inEach = 10, 11
	var packages []apttest.Package
	recipe := strings.Replace(recipeText[:strings.Index(recipeText, "layers:")]+"layers:\n", "[linux/amd64]", "[linux/amd64, linux/arm64]", 1)
	for l := range layers {
		recipe += fmt.Sprintf("  - name: layer%d\n    packages:\n", l)
		for p := range inEach {
			name := fmt.Sprintf("many%d-%d", l, p)
			recipe += fmt.Sprintf("      - %s: one of many\n", name)
			packages = append(packages, pkg(name, "1.0", "all", func(s *debtest.Spec) {
				s.Entries = append(s.Entries, debtest.Entry{Path: "usr/share/" + name + "/data", Content: name + noise(5000)})
			}))
		}
	}
	s := newScene(t, apttest.New(later(0, packages...)))
	s.recipe(recipe)
	outputs := []string{"-o", "oci:web.oci", "-o", "oci-archive:web.oci.tar", "-o", "tar:web.tar", "-o", "folder:web.root"}
	want := s.build(outputs...)
	files := s.snapshot()
	s.remove("store")
	s.env = append(s.env, "GOMAXPROCS=48")
	for _, state := range []string{"cold", "unpacked", "unchanged"} {
		if state == "unpacked" {
			s.lose([]string{"image", "layer", "member"})
		}
		s.removeOutputs()
		got := decode(t, s.withFiles(64, append([]string{"build", "web", "--json"}, outputs...)...).stdout)
		got.ElapsedMS = want.ElapsedMS
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the result (-want +got):\n%s", state, diff)
		}
		if diff := cmp.Diff(files, s.snapshot()); diff != "" {
			t.Errorf("%s: the files (-want +got):\n%s", state, diff)
		}
	}
}

// withFiles runs kiln with so many open files at most, which must end well.
func (s *scene) withFiles(files int, args ...string) outcome {
	s.t.Helper()
	cmd := s.command(args...)
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec kiln "$@"`, files)}, cmd.Args...)
	cmd.Path = "/bin/sh"
	o := finish(s.t, cmd)
	if o.status != 0 {
		s.t.Fatalf("with %d open files kiln %s: %s", files, strings.Join(args, " "), o)
	}
	return o
}
