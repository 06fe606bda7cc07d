package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// What must not matter does not: the order in which the archive lists packages
// and the recipe wants, processors, time zone, locale, umask, folder, a cold or
// a warm store, and the day of building.
func TestSameImage(t *testing.T) {
	t.Parallel()
	recipe := strings.Replace(recipeText, "      - alpha: the program\n", "      - alpha: the program\n      - gamma: more\n      - delta: more\n", 1)
	swapped := strings.Replace(recipeText, "      - alpha: the program\n", "      - delta: more\n      - gamma: more\n      - alpha: the program\n", 1)
	packages := append(stable().Packages, pkg("gamma", "1", "all", nil), pkg("delta", "1", "amd64", nil), pkg("delta", "0.9", "amd64", nil))
	reversed := slices.Clone(packages)
	slices.Reverse(reversed)
	sorted, shuffled := with(stable(), func(s *apttest.Suite) { s.Packages = packages }), with(stable(), func(s *apttest.Suite) { s.Packages = reversed })

	first := newScene(t, apttest.New(sorted))
	first.recipe(recipe)
	want := first.build()
	rows := []struct {
		summary string
		change  func(s *scene)
	}{
		{"packages in another order", func(s *scene) { s.server.Update(apttest.New(shuffled)) }},
		{"wants in another order", func(s *scene) { s.recipe(swapped) }},
		{"one processor", func(s *scene) { s.env = append(s.env, "GOMAXPROCS=1") }},
		{"many processors", func(s *scene) { s.env = append(s.env, "GOMAXPROCS=16") }},
		{"another zone and locale", func(s *scene) { s.env = append(s.env, "TZ=Pacific/Kiritimati", "LC_ALL=tr_TR.UTF-8") }},
		{"another day", func(s *scene) { s.env = append(s.env, clockVariable+"=2031-12-31T23:59:59Z") }},
		{"index in xz and gz", func(s *scene) {
			s.server.Update(apttest.New(with(sorted, func(s *apttest.Suite) { s.Compress = []string{"xz", "gz"} })))
		}},
		{"index in zstd, not by hash", func(s *scene) {
			s.server.Update(apttest.New(with(sorted, func(s *apttest.Suite) { s.Compress, s.NoByHash = []string{"zst"}, true })))
		}},
		{"detached signature", func(s *scene) {
			s.server.Update(apttest.New(with(sorted, func(s *apttest.Suite) { s.NoInRelease = true })))
		}},
		{"all of the above", func(s *scene) {
			s.server.Update(apttest.New(with(shuffled, func(s *apttest.Suite) { s.SplitAll = true })))
			s.recipe(swapped)
			s.env = append(s.env, "GOMAXPROCS=1", "TZ=Asia/Kathmandu", "LC_ALL=C")
		}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(sorted))
			s.recipe(recipe)
			row.change(s)
			for _, how := range []string{"cold", "warm"} {
				got := s.build()
				got.ElapsedMS = want.ElapsedMS
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// The umask and the folder of the caller do not reach the image, nor the lock.
func TestSameImageFromElsewhere(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("build", "web", "-o", "tar:web.tar", "-o", "oci:web.oci", "-o", "folder:web.root")
	want := s.snapshot()
	for _, umask := range []string{"000", "077"} {
		for _, name := range []string{"web.tar", "web.oci", "web.root", "store", "web/kiln.lock"} {
			s.remove(name)
		}
		cmd := s.command()
		cmd.Args = []string{"sh", "-c", "umask " + umask + " && cd web && exec kiln build -o tar:../web.tar -o oci:../web.oci -o folder:../web.root"}
		cmd.Path = "/bin/sh"
		if o := finish(t, cmd); o.status != 0 {
			t.Fatal(o)
		}
		got := s.snapshot()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("umask %s (-want +got):\n%s", umask, diff)
		}
	}
}

// A layer's bytes depend on its own packages and its own part of the recipe
// alone, whatever a later lock moves elsewhere and whenever it was made.
func TestLayersStandAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	first := s.build()
	check := func(what string, got report, same, other string) {
		t.Helper()
		if got.layer(t, same) != first.layer(t, same) {
			t.Errorf("%s changed the layer %q", what, same)
		}
		if got.layer(t, other) == first.layer(t, other) {
			t.Errorf("%s did not change the layer %q", what, other)
		}
	}
	move := func(hours int, packages ...apttest.Package) report {
		t.Helper()
		s.server.Update(apttest.New(later(hours, packages...)))
		s.does("lock", "web", "--update")
		return s.build()
	}
	newTime := func(s *debtest.Spec) { s.Time = debtest.DefaultTime + 86400 }
	check("a newer beta", move(1, alpha("1.0", "amd64"), libalpha("1.0", "amd64"), pkg("beta", "1.1", "all", newTime)), "base", "app")
	check("a newer libalpha", move(2, alpha("1.0", "amd64"), pkg("libalpha", "1.1", "amd64", newTime), beta("1.0")), "app", "base")
	if got := move(20, stable().Packages...); got.Index != first.Index {
		t.Errorf("a newer Release with the same packages changed the image: %s, want %s", got.Index, first.Index)
	}
	s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090")
	check("a recipe's file", s.build(), "base", "app")
	s.recipe(strings.Replace(recipeText, "  - name: app\n", "    files:\n      - {path: /etc/base.conf, content: x, why: more}\n  - name: app\n", 1))
	check("a recipe's file", s.build(), "app", "base")
}

// With several platforms, each has the image that it would have alone, and the
// lock is the same each time.
func TestSeveralPlatforms(t *testing.T) {
	t.Parallel()
	both := strings.Replace(recipeText, "[linux/amd64]", "[linux/amd64, linux/arm64]", 1)
	alone := map[string]string{}
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		s := newScene(t, apttest.New(stable()))
		s.recipe(strings.Replace(recipeText, "linux/amd64", p, 1))
		alone[p] = s.build().Images[0].Digest
	}
	s := newScene(t, apttest.New(stable()))
	s.recipe(both)
	var lock string
	for n := range 4 {
		s.remove("web/kiln.lock")
		r := s.build()
		got := map[string]string{}
		for _, img := range r.Images {
			got[img.Platform] = img.Digest
		}
		if diff := cmp.Diff(alone, got); diff != "" {
			t.Errorf("(-alone +together):\n%s", diff)
		}
		if now := s.read("web/kiln.lock"); n > 0 && now != lock {
			t.Errorf("another lock:\n%s", cmp.Diff(lock, now))
		} else {
			lock = now
		}
	}
	one := s.build("--platform", "linux/arm64", "-o", "docker-archive:arm.tar")
	if len(one.Images) != 1 || one.Images[0].Digest != alone["linux/arm64"] {
		t.Errorf("--platform linux/arm64 gave %+v", one.Images)
	}
	s.refuses("build web --platform linux/s390x", 1, "cannot build for linux/s390x: the recipe names only", "try: add the platform to platforms: in the recipe")
	s.refuses("build web --platform linux/pdp11", 2, `unknown platform "linux/pdp11"`)
	s.recipe(strings.Replace(both, "linux/amd64, ", "linux/ppc64le, ", 1))
	s.refuses("build web", 1, "cannot resolve the packages for ppc64el", "try: ")
}
