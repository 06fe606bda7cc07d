package cli_test

import (
	"strings"
	"testing"
	"time"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// The lock remembers what was accepted where the store is new, as it is in CI.
func TestTheLockIsNotRolledBack(t *testing.T) {
	s := newScene(t, apttest.New(newer()))
	s.does("lock", "web")
	s.remove("store")
	s.server.Update(apttest.New(stable()))
	s.refuses("lock web --update", 3, "is older than the one in the lock", "try: to go back on purpose: kiln lock --update --at TIME")
}

func TestAClockThatGoesBackForgetsNothing(t *testing.T) {
	s := newScene(t, apttest.New(later(20, alpha("1.1", "amd64"), libalpha("1.1", "amd64"), beta("1.1"))))
	s.does("lock", "web")
	s.remove("web/kiln.lock")
	s.server.Update(apttest.New(stable()))
	for i, e := range s.env {
		if strings.HasPrefix(e, clockVariable+"=") {
			s.env[i] = clockVariable + "=" + apttest.Date.Add(4*time.Hour).Format(time.RFC3339)
		}
	}
	s.refuses("lock web", 3, "older than the one that was accepted before")
}

// A pin is the package's bytes: another archive with the same version of it,
// whatever its name, does not take its place.
func TestAPinIsNotTakenOver(t *testing.T) {
	evil := pkg("beta", "1.0", "all", func(s *debtest.Spec) {
		s.Entries = append(s.Entries, debtest.Entry{Path: "usr/evil", Content: "evil"})
	})
	evil.Component = "contrib"
	other := apttest.Suite{Name: "other", Packages: []apttest.Package{evil}, Compress: []string{"gz"}, Components: []string{"contrib"}}
	for _, name := range []string{"atest", "ztest"} {
		for _, gone := range []bool{false, true} {
			s := newScene(t, apttest.New(stable(), other))
			s.does("lock", "web")
			before := s.origins()
			args := []string{"lock", "web"}
			if gone {
				site := apttest.New(stable()) // the old files are still to be had, their versions no longer listed
				site.Add(newer())
				site.Add(other)
				s.server.Update(site)
				args = append(args, "--update", "alpha")
			}
			line := "  - {name: " + name + ", url: URL, suite: other, components: [contrib], keyring: key.asc}\n"
			s.recipe(strings.Replace(recipeText, "layers:\n", line+"layers:\n", 1))
			s.does(args...)
			if after := s.origins(); after["beta"] != before["beta"] {
				t.Errorf("archive %s, old versions gone %t: beta was %s and is %s", name, gone, before["beta"], after["beta"])
			}
		}
	}
}

func TestAPlatformIsAddedWhereAllStandsApart(t *testing.T) {
	suite := stable()
	suite.SplitAll = true
	s := newScene(t, apttest.New(suite))
	s.does("lock", "web")
	s.recipe(strings.Replace(recipeText, "[linux/amd64]", "[linux/amd64, linux/arm64]", 1))
	s.does("lock", "web")
}
