package cli_test

import (
	"regexp"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// fields is a package with further control fields.
func fields(lines ...string) func(*debtest.Spec) {
	return func(s *debtest.Spec) { s.Fields = append(s.Fields, lines...) }
}

// A set that cannot be is explained as a tree from the want to the reason.
func TestUnresolvable(t *testing.T) {
	rows := []struct {
		summary string
		suite   apttest.Suite
		texts   []string
	}{
		{"a dependency that nobody has", later(0, pkg("alpha", "1.0", "amd64", fields("Depends: omega")), beta("1.0")), []string{
			"  layers[0].packages[0] (layer base) wants alpha\n    alpha 1.0 (test/stable)\n      needs omega, which no source has\n",
			"try: add the source or the component that has omega"}},
		{"a dependency that is too old", later(0, alpha("1.0", "amd64"), libalpha("0.9", "amd64"), beta("1.0")), []string{
			"wants alpha\n    alpha 1.0 (test/stable)\n      needs libalpha (>= 1.0), which is available as 0.9 (test/stable)\n"}},
		{"a conflict", later(0, alpha("1.0", "amd64"), libalpha("1.0", "amd64"), pkg("beta", "1.0", "all", fields("Conflicts: libalpha"))), []string{
			"alpha", "needs libalpha (>= 1.0)", "Conflicts: libalpha", "layers[1].packages[0] (layer app) wants beta"}},
		{"far down", later(0, pkg("alpha", "1.0", "amd64", fields("Depends: one")), pkg("one", "1", "all", fields("Depends: two | three")),
			pkg("two", "1", "all", fields("Depends: omega")), pkg("three", "1", "all", fields("Pre-Depends: omega (>> 3)")), beta("1.0")), []string{
			"alpha 1.0 (test/stable)\n      needs one\n        one 1 (test/stable)\n          needs two | three\n", "needs omega", "which no source has"}},
		{"a virtual package of several", later(0, pkg("alpha-x", "1", "all", fields("Provides: alpha")), pkg("alpha-y", "1", "all", fields("Provides: alpha")), beta("1.0")), []string{
			`"alpha" is a virtual package with several providers: alpha-x, alpha-y`, `try: instead of "alpha", ask for one of alpha-x, alpha-y`}},
		{"for another architecture alone", later(0, alpha("1.0", "arm64"), libalpha("1.0", "arm64"), beta("1.0")), []string{`no package is called "alpha"`, "try: "}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(row.suite))
			s.refuses("build web", 1, append(row.texts, "cannot resolve the packages for amd64:\n")...)
			s.server.Update(apttest.New(stable()))
			s.build()
		})
	}
}

// A digest in a lock without one of its own that was changed by hand is found out
// before it is believed, and what was fetched for it is not kept.
func TestLockDigestFlipped(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	sealed := s.read("web/kiln.lock")
	lock := unsealed(sealed)
	flipped := func(after string) {
		t.Helper()
		i := strings.Index(lock, after) + len(after)
		c := "0"
		if lock[i] == '0' {
			c = "1"
		}
		s.write("web/kiln.lock", lock[:i]+c+lock[i+1:])
	}
	path := `"path": "` + betaDeb + "\",\n          \"sha256\": \""
	flipped(path)
	s.refuses("build web --locked", 3, "cannot fetch", betaDeb, "the content is another", "try: ")
	s.remove("store")
	s.refuses("build web", 3, "cannot fetch", betaDeb, "the content is another")

	flipped(`"wants": "sha256:`) // answers another recipe
	s.refuses("build web --locked", 1, "is stale")
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	if s.read("web/kiln.lock") != sealed {
		t.Errorf("made another lock:\n%s", s.read("web/kiln.lock"))
	}

	flipped(`"path": "main/binary-amd64/Packages.gz",` + "\n              \"sha256\": \"")
	s.remove("store")
	if got := s.build("--locked"); got.Index != want.Index { // the index is not needed
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	s.recipe(withoutBeta())
	s.refuses("lock web", 4, "cannot load the locked index", "try: move the lock to what the archive holds now: kiln lock --update")
}

// unsealed is a lock without its digest, as an older kiln wrote it.
func unsealed(lock string) string {
	return regexp.MustCompile(`\n  "digest": "[^"]+",`).ReplaceAllString(lock, "")
}

// A flat archive has neither dists nor components.
func TestFlatArchive(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(with(stable(), func(s *apttest.Suite) { s.Name, s.Codename = "./", "-" })))
	s.edit("web/kiln.yaml", "suite: stable", "suite: ./")
	got := s.build()
	if want := clean(t, stable()); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	s.build("--locked")
}

// An archive in a folder of this machine needs no network.
func TestFileArchive(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.Site{})
	site := s.path("mirror")
	if err := apttest.New(stable()).Write(site); err != nil {
		t.Fatal(err)
	}
	s.url = "file://" + site
	s.recipe(recipeText)
	if got, want := s.build(), clean(t, stable()); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	s.remove("store")
	s.remove("mirror/" + betaDeb)
	s.refuses("build web", 4, "cannot fetch", betaDeb, "no such file or directory", "try: ")
}
