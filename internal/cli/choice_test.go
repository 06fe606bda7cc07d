package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// vendor is a second archive: an older alpha with its own libalpha, and a newer beta.
func vendor() apttest.Suite {
	s := later(0, alpha("0.9", "amd64"), libalpha("1.0", "amd64"), beta("2.0"), pkg("gamma", "1.0", "all", nil))
	s.Name = "vendor"
	return s
}

// choice is a recipe with both archives; keys go behind the sources and the wants.
func (s *scene) choice(test, vendor, alpha, beta string) {
	s.t.Helper()
	text := strings.Replace(recipeText, "  - {name: test, url: URL, suite: stable, keyring: key.asc}\n", fmt.Sprintf(
		"  - {name: test, url: URL, suite: stable, keyring: key.asc%s}\n  - {name: vendor, url: URL, suite: vendor, keyring: key.asc%s}\n", test, vendor), 1)
	text = strings.Replace(text, "- alpha: the program", "- alpha: {why: the program"+alpha+"}", 1)
	s.recipe(strings.Replace(text, "- beta: the data", "- beta: {why: the data"+beta+"}", 1))
}

// origins are the versions and archives of the locked packages by name.
func (s *scene) origins() set {
	s.t.Helper()
	var doc struct {
		Platforms map[string]struct {
			Packages []struct{ Name, Version, Archive string }
		}
	}
	if err := json.Unmarshal([]byte(s.read("web/kiln.lock")), &doc); err != nil {
		s.t.Fatal(err)
	}
	all := set{}
	for _, p := range doc.Platforms["linux/amd64"].Packages {
		all[p.Name] = p.Version + " " + p.Archive
	}
	return all
}

// Which of two archives a package is taken from: first the priority counts, then
// the version, unless the recipe says otherwise.
func TestChoiceOfArchive(t *testing.T) {
	rows := []struct {
		summary                   string
		test, vendor, alpha, beta string
		wantAlpha, wantBeta       string // "" for both is an error
		errors                    []string
	}{
		{summary: "the newer version", wantAlpha: "1.0 test/stable", wantBeta: "2.0 vendor/vendor"},
		{summary: "the same priority, written out", test: ", priority: 500", wantAlpha: "1.0 test/stable", wantBeta: "2.0 vendor/vendor"},
		{summary: "a higher priority for an older version", vendor: ", priority: 501", wantAlpha: "0.9 vendor/vendor", wantBeta: "2.0 vendor/vendor"},
		{summary: "a higher priority of the first", test: ", priority: 1000", wantAlpha: "1.0 test/stable", wantBeta: "1.0 test/stable"},
		{summary: "a lower priority", vendor: ", priority: 499", wantAlpha: "1.0 test/stable", wantBeta: "1.0 test/stable"},
		{summary: "the lowest priority", vendor: ", priority: 1", wantAlpha: "1.0 test/stable", wantBeta: "1.0 test/stable"},
		{summary: "a package from one archive", alpha: ", archive: vendor", beta: ", archive: test", wantAlpha: "0.9 vendor/vendor", wantBeta: "1.0 test/stable"},
		{summary: "a package from an archive of lower priority", vendor: ", priority: 100", alpha: ", archive: vendor", wantAlpha: "0.9 vendor/vendor", wantBeta: "1.0 test/stable"},
		{summary: "one version", alpha: `, version: "= 0.9"`, beta: `, version: "= 1.0"`, wantAlpha: "0.9 vendor/vendor", wantBeta: "1.0 test/stable"},
		{summary: "one version, bare", beta: `, version: "1.0"`, wantAlpha: "1.0 test/stable", wantBeta: "1.0 test/stable"},
		{summary: "an older version", alpha: `, version: "<< 1.0"`, beta: `, version: "<< 2.0"`, wantAlpha: "0.9 vendor/vendor", wantBeta: "1.0 test/stable"},
		{summary: "a newer version against the priority", vendor: ", priority: 900", alpha: `, version: ">> 0.9"`, wantAlpha: "1.0 test/stable", wantBeta: "2.0 vendor/vendor"},
		{summary: "a version at least and at most", alpha: `, version: "<= 0.9"`, beta: `, version: ">= 1.5"`, wantAlpha: "0.9 vendor/vendor", wantBeta: "2.0 vendor/vendor"},
		{summary: "a version that there is not", alpha: `, version: "= 0.95"`, errors: []string{"cannot resolve the packages for amd64", "alpha (= 0.95)"}},
		{summary: "a version that the archive has not", alpha: `, version: "= 1.0", archive: vendor`, errors: []string{"cannot resolve the packages for amd64", "alpha (= 1.0)"}},
		{summary: "an archive that is no source", alpha: ", archive: vendors", errors: []string{`"vendors"`, "vendor"}},
		{summary: "a negative priority", vendor: ", priority: -1", errors: []string{"web/kiln.yaml:7:", "want a priority from 1 to 1000, got -1"}},
		{summary: "no priority", vendor: ", priority: 0", errors: []string{"web/kiln.yaml:7:", "want a priority from 1 to 1000, got 0"}},
		{summary: "a priority above all", vendor: ", priority: 1001", errors: []string{"web/kiln.yaml:7:", "want a priority from 1 to 1000, got 1001"}},
		{summary: "a priority in words", vendor: ", priority: high", errors: []string{"web/kiln.yaml:7:", "high"}},
		{summary: "the source of local files, without any", alpha: ", archive: local", errors: []string{`"local"`}},
		{summary: "a version that is none", alpha: `, version: "~> 1"`, errors: []string{"web/kiln.yaml:", "~> 1"}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable(), vendor()))
			s.choice(row.test, row.vendor, row.alpha, row.beta)
			if row.errors != nil {
				s.refuses("build web", 1, row.errors...)
				return
			}
			s.does("lock", "web")
			got := s.origins()
			delete(got, "libalpha")
			if diff := cmp.Diff(set{"alpha": row.wantAlpha, "beta": row.wantBeta}, got); diff != "" {
				t.Errorf("locked (-want +got):\n%s", diff)
			}
			s.build("--locked")
		})
	}
}

// A change of priorities, archives or versions in the recipe is a change of what it
// wants: the lock answers it no more.
func TestChoiceMakesTheLockStale(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable(), vendor()))
	s.choice("", "", "", "")
	s.does("lock", "web")
	for _, row := range []struct{ test, vendor, alpha, beta, want string }{
		{"", ", priority: 900", "", "", "2.0 vendor/vendor"},
		{"", "", "", ", archive: test", "1.0 test/stable"},
		{"", "", "", `, version: ">> 1.0"`, "2.0 vendor/vendor"},
		{"", "", "", `, version: "<< 2.0"`, "1.0 test/stable"},
	} {
		s.choice(row.test, row.vendor, row.alpha, row.beta)
		s.refuses("build web --locked", 1, "is stale", "try: ")
		s.does("lock", "web")
		if got := s.origins()["beta"]; got != row.want {
			t.Errorf("%+v: beta is %s", row, got)
		}
	}
}

// A local .deb is taken before any archive's package of the name, older or not,
// unless the want says otherwise; and a changed one makes the lock stale.
func TestLocalDebBeatsArchive(t *testing.T) {
	for _, row := range []struct{ summary, test, beta, want string }{
		{"though it is older", "", "", "0.5 local"},
		{"against the highest priority", ", priority: 1000", "", "0.5 local"},
		{"by the name of its source", "", ", archive: local", "0.5 local"},
		{"but another version is wanted", "", `, version: ">= 1.0"`, "2.0 vendor/vendor"},
		{"but an archive is wanted", "", ", archive: test", "1.0 test/stable"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable(), vendor()))
			s.choice(row.test, "", "", row.beta)
			s.edit("web/kiln.yaml", "layers:", "  - deb: beta.deb\nlayers:")
			s.write("web/beta.deb", string(debtest.Build(beta("0.5").Spec)))
			s.build()
			if got := s.origins()["beta"]; got != row.want {
				t.Errorf("beta is %s, want %s", got, row.want)
			}
			s.write("web/beta.deb", string(debtest.Build(beta("0.6").Spec)))
			s.refuses("build web --locked", 1, "is stale", "try: ")
			s.build()
			if got := s.origins()["beta"]; got != strings.Replace(row.want, "0.5", "0.6", 1) {
				t.Errorf("then beta is %s", got)
			}
		})
	}
}

// A local .deb that is added to a locked recipe takes the place of the archive's
// package; nothing else moves. When it goes, the archive's comes back.
func TestLocalDebAddedLater(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	before := s.build()
	s.server.Update(mirrored())
	s.edit("web/kiln.yaml", "layers:", "  - deb: beta.deb\nlayers:")
	s.write("web/beta.deb", string(debtest.Build(beta("0.5").Spec)))
	after := s.build()
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "0.5"})
	if after.layer(t, "base") != before.layer(t, "base") || after.layer(t, "app") == before.layer(t, "app") {
		t.Errorf("%+v\nafter %+v", after, before)
	}
	s.edit("web/kiln.yaml", "version: 1.0.0", "version: 1.0.1") // is not resolved
	s.build("--locked")
	s.write("web/other.deb", string(debtest.Build(pkg("omega", "1", "all", nil).Spec)))
	s.edit("web/kiln.yaml", "layers:", "  - deb: other.deb\nlayers:")
	s.build()
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "0.5"})
	s.recipe(recipeText)
	if got := s.build(); got.Index != before.Index {
		t.Errorf("index %s, want %s", got.Index, before.Index)
	}
}
