package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// choices is an archive in which much is to be chosen from.
func choices() apttest.Site {
	rich := func(lines ...string) func(*debtest.Spec) { return fields(lines...) }
	extra := later(0, pkg("alpha", "3.0", "amd64", nil), pkg("beta", "0.5", "all", nil))
	extra.Name = "extra"
	return apttest.New(later(0,
		pkg("alpha", "1.0", "amd64", rich("Depends: mta-small | mta-big, editor, helper (<< 2)", "Recommends: nicety", "Suggests: manual | nicety", "Conflicts: rival")),
		pkg("alpha", "2.0", "amd64", rich("Depends: editor")),
		pkg("mta-small", "1.0", "all", nil), pkg("mta-big", "1.0", "all", nil),
		pkg("ed", "1.0", "all", rich("Provides: editor")), pkg("vi", "1.0", "all", rich("Provides: editor (= 7), screen-editor")),
		pkg("helper", "1.0", "all", nil), pkg("helper", "2.0", "all", nil),
		pkg("nicety", "1.0", "all", nil), pkg("rival", "1.0", "all", nil), pkg("basic", "1.0", "all", rich("Essential: yes")),
		pkg("beta", "1.0", "all", rich("Depends: heavy | heavier")), pkg("heavy", "1.0", "all", nil), pkg("lonely", "1.0", "all", nil),
	), extra)
}

const choicesRecipe = `kiln: v1
name: web
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
  - {name: extra, url: URL, suite: extra, keyring: key.asc, priority: 100}
layers:
  - name: base
    packages:
      - alpha: {why: the program, version: "<< 2"}
      - ed: to edit
      - beta: {why: the data, without: {heavy: too heavy}}
`

// absentJSON is what the tests read of an answer about a package that is not there.
type absentJSON struct {
	Image   string
	Answers []struct {
		Subject string
		Package struct {
			Packages []struct{ Version string }
			Absent   *struct {
				Instead []string
				Reasons []struct {
					Kind, Package, Field, Relation string
					Chosen                         []string
					Recipe                         *lineJSON
				}
				Candidates, Providers []struct{ Name, Version, Archive, Lost string }
				Unknown               string
			}
		}
	}
}

func (a absentJSON) lines() []string {
	var all []string
	for _, answer := range a.Answers {
		all = append(all, answer.Subject+":")
		absent := answer.Package.Absent
		if absent == nil {
			all = append(all, "  is there")
			continue
		}
		if absent.Instead != nil {
			all = append(all, "  instead "+strings.Join(absent.Instead, ", "))
		}
		for _, r := range absent.Reasons {
			line := strings.TrimSpace(strings.Join([]string{" ", r.Kind, r.Package, r.Field, r.Relation}, " "))
			if r.Chosen != nil {
				line += " -> " + strings.Join(r.Chosen, ", ")
			}
			if r.Recipe != nil {
				line += " by " + r.Recipe.Part + " " + r.Recipe.Why
			}
			all = append(all, "  "+line)
		}
		for _, c := range absent.Candidates {
			all = append(all, strings.TrimRight("  "+c.Name+" "+c.Version+" "+c.Archive+" "+c.Lost, " "))
		}
		for _, c := range absent.Providers {
			all = append(all, "  provided by "+c.Name)
		}
		if absent.Unknown != "" {
			all = append(all, "  unknown")
		}
	}
	return all
}

// Why a package, or a version of one, was not chosen: the recipe tells all of it, an
// image what its packages say.
func TestWhyNotAPackage(t *testing.T) {
	t.Parallel()
	s := newScene(t, choices())
	s.recipe(choicesRecipe)
	s.does("build", "web", "-o", "oci:web.oci")
	asked := []string{"mta-big", "heavy", "heavier", "editor", "vi", "nicety", "rival", "basic", "lonely", "helper=2.0", "alpha=2.0", "alpha=3.0", "beta=0.5", "alpha=1.0", "alpha=9"}
	recipe := decoded[absentJSON](t, s.does(append([]string{"why", "web", "--json"}, asked...)...).stdout).lines()
	want := strings.Split(`mta-big:
  alternative alpha Depends mta-small | mta-big -> mta-small
  mta-big 1.0 test/stable
heavy:
  without beta Depends heavy | heavier by layers[base].packages[2].without.heavy too heavy
  heavy 1.0 test/stable
heavier:
  without beta Depends heavy | heavier by layers[base].packages[2].without.heavy too heavy
editor:
  alternative alpha Depends editor -> ed
  provided ed Provides editor
  provided by ed
  provided by vi
vi:
  alternative alpha Depends editor -> ed
  vi 1.0 test/stable
nicety:
  recommended alpha Recommends nicety
  suggested alpha Suggests manual | nicety
  nicety 1.0 test/stable
rival:
  ruled-out alpha Conflicts rival
  rival 1.0 test/stable
basic:
  essential
  basic 1.0 test/stable
lonely:
  lonely 1.0 test/stable
helper=2.0:
  instead 1.0 all
  helper 2.0 test/stable alpha has Depends: helper (<< 2)
  helper 1.0 test/stable
alpha=2.0:
  instead 1.0 amd64
  alpha 3.0 extra/extra layers[base].packages[0] asks for alpha (<< 2)
  alpha 2.0 test/stable layers[base].packages[0] asks for alpha (<< 2)
  alpha 1.0 test/stable
alpha=3.0:
  instead 1.0 amd64
  alpha 3.0 extra/extra layers[base].packages[0] asks for alpha (<< 2)
  alpha 2.0 test/stable layers[base].packages[0] asks for alpha (<< 2)
  alpha 1.0 test/stable
beta=0.5:
  instead 1.0 all
  beta 1.0 test/stable
  beta 0.5 extra/extra its source has the priority 100, that of 1.0 has 500
alpha=1.0:
  is there
alpha=9:
  instead 1.0 amd64
  alpha 3.0 extra/extra layers[base].packages[0] asks for alpha (<< 2)
  alpha 2.0 test/stable layers[base].packages[0] asks for alpha (<< 2)
  alpha 1.0 test/stable`, "\n")
	if diff := cmp.Diff(want, recipe); diff != "" {
		t.Errorf("of the recipe (-want +got):\n%s", diff)
	}
	// An image tells the same reasons, but for those that only the archives know.
	alone := decoded[absentJSON](t, s.does(append([]string{"why", "oci:web.oci", "--json"}, asked[:9]...)...).stdout)
	want = strings.Split(`mta-big:
  alternative alpha Depends mta-small | mta-big -> mta-small
  unknown
heavy:
  without beta Depends heavy | heavier by layers[base].packages[2].without.heavy too heavy
  unknown
heavier:
  without beta Depends heavy | heavier by layers[base].packages[2].without.heavy too heavy
  unknown
editor:
  alternative alpha Depends editor -> ed
  provided ed Provides editor
  unknown
vi:
  unknown
nicety:
  recommended alpha Recommends nicety
  suggested alpha Suggests manual | nicety
  unknown
rival:
  ruled-out alpha Conflicts rival
  unknown
basic:
  unknown
lonely:
  unknown`, "\n")
	if diff := cmp.Diff(want, alone.lines()); diff != "" {
		t.Errorf("of the image (-want +got):\n%s", diff)
	}
	golden(t, "why_absent.golden", s.does("why", "web", "mta-big", "heavy", "editor", "nicety", "basic", "lonely", "alpha=2.0", "alpha=9").stdout+
		s.does("why", "oci:web.oci", "mta-big", "lonly", "alpha=2.0").stdout)
	s.refuses("why web lonly", 1, `there is no package "lonly" in the image for linux/amd64`, "kiln why web package:lonely")
	s.refuses("why web package:lonely:arm64", 1, `there is no package "lonely:arm64"`)
	s.refuses("why oci:web.oci package:lonely:arm64", 1, `there is no package "lonely:arm64"`)
}

// Where the archives cannot be asked, what recipe and packages say is told all the same.
func TestWhyNotAPackageOffline(t *testing.T) {
	t.Parallel()
	s := newScene(t, choices())
	s.recipe(choicesRecipe)
	s.does("build", "web", "-o", "oci:web.oci")
	s.server.Update(apttest.Site{})
	if o := s.does("why", "web", "mta-big"); !strings.Contains(o.stdout, "there is:    mta-big 1.0 all, from test/stable") {
		t.Errorf("the store has the indexes: %s", o)
	}
}
