package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// versions are the locked versions of a platform by name.
func (s *scene) versions(platform string) map[string]string {
	s.t.Helper()
	var doc struct {
		Platforms map[string]struct {
			Packages []struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal([]byte(s.read("web/kiln.lock")), &doc); err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range doc.Platforms[platform].Packages {
		all[p.Name] = p.Version
	}
	return all
}

func (s *scene) locked(want map[string]string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.versions("linux/amd64")); diff != "" {
		s.t.Errorf("locked (-want +got):\n%s", diff)
	}
}

// withoutBeta is the recipe without its second want.
func withoutBeta() string {
	return strings.Replace(recipeText, "    packages:\n      - beta: the data\n", "", 1)
}

type set = map[string]string

// newer is the archive an hour later, where everything has a newer version, and
// there is one package more. Like Debian's, it lists the old versions no more.
func newer() apttest.Suite {
	return later(1, alpha("1.1", "amd64"), alpha("1.1", "arm64"), libalpha("1.1", "amd64"), libalpha("1.1", "arm64"), beta("1.1"), pkg("gamma", "1.1", "all", nil))
}

// mirrored is newer on a mirror that still has the files of stable.
func mirrored() apttest.Site {
	site := apttest.New(stable())
	site.Add(newer())
	return site
}

// A fresh lock is left alone to the byte, whatever the archive holds by now, and
// whatever becomes of the recipe's form.
func TestLockStaysFresh(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	lock := s.read("web/kiln.lock")
	s.server.Update(mirrored())
	same := func(how string, args ...string) {
		t.Helper()
		s.does(args...)
		if diff := cmp.Diff(lock, s.read("web/kiln.lock")); diff != "" {
			t.Errorf("%s changed the lock:\n%s", how, diff)
		}
	}
	same("kiln lock again", "lock", "web")
	same("kiln build", "build", "web")
	requests := len(s.server.Requests())
	s.recipe("# a comment\n" + recipeText)
	same("a comment", "build", "web", "--locked")
	s.recipe(strings.ReplaceAll(recipeText, "\n", "\r\n"))
	same("CRLF", "build", "web", "--locked")
	s.recipe("\ufeff" + recipeText)
	same("a byte order mark", "build", "web", "--locked")
	s.recipe(strings.Replace(recipeText, "{name: test, url: URL, suite: stable, keyring: key.asc}", "suite: stable # first\n    name: \"test\"\n    keyring: key.asc\n    components: [main]\n    url: 'URL/'", 1))
	same("another order of keys", "build", "web", "--locked")
	s.recipe(strings.Replace(recipeText, "the program", "another reason", 1))
	same("another reason", "lock", "web", "--locked")
	if n := len(s.server.Requests()); n != requests {
		t.Errorf("asked the mirror for %v", s.server.Requests()[requests:])
	}
}

// A changed want resolves what changed, against the locked state of the archive;
// what is locked stays, though there is a newer version.
func TestLockResolvesWhatChanged(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "1.0"})
	s.server.Update(mirrored())

	s.recipe(withoutBeta())
	s.refuses("build web --locked", 1, "is stale", "try: bring the lock up to date and commit it: kiln lock")
	s.refuses("lock web --locked", 1, "is stale")
	o := s.does("lock", "web")
	if !strings.Contains(o.stderr, "resolving what changed, against the locked archive state") || !strings.Contains(o.stdout, "beta") {
		t.Errorf("does not say what it did: %s", o)
	}
	s.locked(set{"alpha": "1.0", "libalpha": "1.0"})

	s.recipe(recipeText)
	s.does("build", "web") // makes the lock on the way
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "1.0"})

	s.recipe(strings.Replace(recipeText, "beta: the data", "gamma: new", 1))
	s.refuses("lock web", 1, `no package is called "gamma"`, "try: ")
	s.does("lock", "web", "--update")
	s.locked(set{"alpha": "1.1", "libalpha": "1.1", "gamma": "1.1"})
}

// The locked state is in the store; without it, in another clone, it is had from
// a mirror that still keeps it, and else the way out is named.
func TestLockedStateElsewhere(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	s.remove("store")
	s.server.Update(mirrored())
	s.recipe(withoutBeta())
	s.does("lock", "web") // by-hash still has the index
	s.locked(set{"alpha": "1.0", "libalpha": "1.0"})

	s.remove("store")
	s.server.Update(apttest.New(newer()))
	s.recipe(recipeText)
	s.refuses("lock web", 4, "cannot load the locked index", "no mirror keeps it any more", "try: move the lock to what the archive holds now: kiln lock --update")
	s.does("lock", "web", "--update")
	s.locked(set{"alpha": "1.1", "libalpha": "1.1", "beta": "1.1"})
}

// --update NAME moves that package alone, --update all of them.
func TestLockUpdate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want set
	}{
		{[]string{"--update", "beta"}, set{"alpha": "1.0", "libalpha": "1.0", "beta": "1.1"}},
		{[]string{"--update", "libalpha"}, set{"alpha": "1.0", "libalpha": "1.1", "beta": "1.0"}},
		{[]string{"--update", "libalpha", "beta"}, set{"alpha": "1.0", "libalpha": "1.1", "beta": "1.1"}},
		{[]string{"--update"}, set{"alpha": "1.1", "libalpha": "1.1", "beta": "1.1"}},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			before := s.build()
			s.server.Update(mirrored())
			s.does(append([]string{"lock", "web"}, row.args...)...)
			s.locked(row.want)
			first := s.read("web/kiln.lock")
			s.does(append([]string{"lock", "web"}, row.args...)...)
			if diff := cmp.Diff(first, s.read("web/kiln.lock")); diff != "" {
				t.Errorf("the second time gives another lock:\n%s", diff)
			}
			s.remove("store") // all that is locked can be had
			after := s.build("--locked")
			if after.Index == before.Index {
				t.Error("the image did not change")
			}
			s.does("lock", "web") // and a further lock has nothing to do
			if diff := cmp.Diff(first, s.read("web/kiln.lock")); diff != "" {
				t.Errorf("kiln lock changed the lock:\n%s", diff)
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		s := newScene(t, apttest.New(stable()))
		s.does("lock", "web")
		s.refuses("lock web --update delta", 1, `cannot update "delta": the lock holds no package of that name`, "try: ")
		s.refuses("lock web beta", 2, "packages are named only with --update", "try: kiln lock --update web beta")
	})
}

// A local .deb is a source like an archive; the lock holds its digest.
func TestLockLocalDeb(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.recipe(strings.Replace(recipeText, "layers:", "  - deb: debs/beta.deb\nlayers:", 1))
	s.refuses("build web", 1, `cannot read the package "debs/beta.deb": no such file or directory`, "web/kiln.yaml:7:")
	build := func(version string) string { return string(debtest.Build(beta(version).Spec)) }
	s.write("web/debs/beta.deb", build("2.0"))
	two := s.build()
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "2.0"})
	s.write("web/debs/beta.deb", build("3.0"))
	s.refuses("build web --locked", 1, "is stale", "try: ")
	s.build()
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "3.0"})
	s.write("web/debs/beta.deb", build("2.0"))
	if got := s.build(); got.Index != two.Index {
		t.Errorf("index %s, want %s", got.Index, two.Index)
	}
	before := s.snapshot()
	s.write("web/debs/beta.deb", "not a .deb")
	o := s.kiln("build", "web")
	s.expect("kiln build", o, 1, `cannot use sources[1], the package file "debs/beta.deb"`)
	s.write("web/debs/beta.deb", build("2.0"))
	s.unchanged("kiln build", before)
}
