package cli_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

const libalphaLog = `alpha-src (1:3-2) stable-security; urgency=high

  * Fix an overflow in the parser (CVE-2026-1111, Closes: #1001).
  * Name a file ` + "\x1b[31m" + ` red.

 -- A. Person <a@example.org>  Sun, 01 Mar 2026 10:00:00 +0000

alpha-src (1:3-1) unstable; urgency=medium

  * New release: CVE-2026-2222 and CVE-2025-3333.

 -- A. Person <a@example.org>  Sat, 28 Feb 2026 10:00:00 +0000

alpha-src (1:2-1) unstable; urgency=low

  * Before.

 -- A. Person <a@example.org>  Fri, 27 Feb 2026 10:00:00 +0000
`

func gzipped(text string) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return buf.String()
}

// logged is a package with a changelog, of a source of another name.
func logged(p apttest.Package, source, name, text string) apttest.Package {
	if source != "" {
		p.Fields = append(p.Fields, "Source: "+source)
	}
	if text != "" {
		p.Entries = append(p.Entries, debtest.Entry{Path: "usr/share/doc/" + p.Name + "/" + name, Content: gzipped(text)})
	}
	return p
}

// older and newerLogged are an archive on two days: alpha shares the documents of
// libalpha; both have another version than their source. beta is native, and goes
// back by a rebuild.
func olderLogged() apttest.Suite {
	return later(0, logged(alpha("1.0", "amd64"), "alpha-src (1:2-1)", "", ""), logged(libalpha("1.0", "amd64"), "alpha-src (1:2-1)", "changelog.Debian.gz", libalphaLog),
		logged(pkg("beta", "1.0", "all", nil), "", "changelog.gz", "beta (1.0) stable; urgency=low\n\n  * First.\n\n -- B <b@example.org>  Sun, 01 Mar 2026 10:00:00 +0000\n"))
}

func newerLogged() apttest.Suite {
	a := alpha("1.1", "amd64")
	a.Entries = append([]debtest.Entry{}, a.Entries[1:]...) // no copyright of its own
	a.Entries = append(a.Entries, debtest.Entry{Path: "usr/share/doc/alpha", Link: "libalpha"})
	return later(1, logged(a, "alpha-src (1:3-2)", "", ""), logged(libalpha("1.1", "amd64"), "alpha-src (1:3-2)", "changelog.Debian.gz", libalphaLog),
		logged(pkg("beta", "1.0+b1", "all", nil), "beta (1.0)", "changelog.gz", "Upstream's own words.\n"))
}

// newChangelog has the older lock as "old.lock", and the newer beside the recipe.
func newChangelog(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, apttest.New(olderLogged()))
	s.does("build", "web", "-o", "oci:old.oci")
	s.write("old.lock", s.read("web/kiln.lock"))
	s.server.Update(apttest.New(newerLogged()))
	s.does("lock", "web", "--update")
	return s
}

type changelogJSON struct {
	CVEs    []string
	Sources []struct {
		Source, Before, After, Urgency, Note string
		CVEs                                 []string
		Packages                             []struct{ Name, Before, After string }
		Entries                              []struct {
			Version, Urgency string
			Closes           []int
			Changes          []string
		}
	}
	Added, Removed []struct{ Name string }
}

func (s *scene) changelog(args ...string) changelogJSON {
	s.t.Helper()
	return decoded[changelogJSON](s.t, s.does(append([]string{"changelog", "--json"}, args...)...).stdout)
}

func TestChangelog(t *testing.T) {
	t.Parallel()
	s := newChangelog(t)
	c := s.changelog("old.lock", "web")
	if strings.Join(c.CVEs, " ") != "CVE-2025-3333 CVE-2026-1111 CVE-2026-2222" || len(c.Sources) != 2 || len(c.Added)+len(c.Removed) != 0 {
		t.Fatalf("%+v", c)
	}
	a := c.Sources[0]
	if a.Source != "alpha-src" || a.Before != "1:2-1" || a.After != "1:3-2" || a.Urgency != "high" || len(a.Packages) != 2 || a.Note != "" {
		t.Errorf("%+v", a)
	}
	if len(a.Entries) != 2 || a.Entries[0].Version != "1:3-2" || a.Entries[1].Version != "1:3-1" || a.Entries[0].Closes[0] != 1001 {
		t.Errorf("entries %+v", a.Entries)
	}
	if b := c.Sources[1]; b.Source != "beta" || b.Note != "the package has no changelog" || b.Packages[0].After != "1.0+b1" {
		t.Errorf("%+v", b)
	}
	golden(t, "changelog.golden", s.does("changelog", "old.lock", "web").stdout)
	golden(t, "changelog.md.golden", s.does("changelog", "old.lock", "web", "--markdown").stdout)
	if o := s.does("changelog", "web", "web"); !strings.Contains(o.stdout, "\nno package changed\n") {
		t.Errorf("of the same: %s", o)
	}
}

// Only packages that changed are fetched, and only where a recipe says from where.
func TestChangelogFetches(t *testing.T) {
	t.Parallel()
	s := newChangelog(t)
	s.write("lone.lock", s.read("web/kiln.lock"))
	s.remove("store")
	c := s.changelog("old.lock", "lone.lock")
	for _, src := range c.Sources {
		if len(src.Entries) != 0 || !strings.Contains(src.Note, "the store does not have the package") {
			t.Errorf("without a recipe: %+v", src)
		}
	}
	before := len(s.server.Requests())
	s.changelog("old.lock", "web/kiln.lock") // which stands beside a recipe
	got := map[string]bool{}
	for _, r := range s.server.Requests()[before:] {
		got[r.Path] = true
	}
	if len(got) != 3 {
		t.Errorf("asked for %v", got)
	}
	// The older packages are gone: their source's version is not known.
	if c = s.changelog("old.lock", "web"); c.Sources[0].Before != "" || !strings.Contains(c.Sources[0].Note, "is not known") || len(c.Sources[0].Entries) != 1 {
		t.Errorf("%+v", c.Sources[0])
	}
}

// Of an image its status file tells the versions of sources; the changelogs are not in it.
func TestChangelogOfImages(t *testing.T) {
	t.Parallel()
	s := newChangelog(t)
	s.does("build", "web", "-o", "tar:new.tar", "-o", "oci:new.oci")
	if c := s.changelog("old.oci", "web"); len(c.Sources) != 2 || c.Sources[0].Before != "1:2-1" || len(c.Sources[0].Entries) != 2 {
		t.Errorf("to a recipe: %+v", c)
	}
	for _, src := range s.changelog("old.lock", "oci:new.oci").Sources {
		if !strings.Contains(src.Note, "the image has left its changelog out: name the recipe") || len(src.Entries) != 0 {
			t.Errorf("to an image: %+v", src)
		}
	}
	s.edit("web/kiln.yaml", "name: web\n", "name: web\nrules: {off: [no-doc: to be read]}\n")
	s.does("build", "web", "-o", "tar:doc.tar")
	if c := s.changelog("old.oci", "doc.tar"); len(c.Sources) != 2 || len(c.Sources[0].Entries) != 2 {
		t.Errorf("to an image with documents: %+v", c)
	}
	back := s.changelog("doc.tar", "old.oci")
	if len(back.Sources) != 2 || back.Sources[0].Packages[0].After != "1.0" {
		t.Errorf("back: %+v", back)
	}
}

func TestChangelogRefuses(t *testing.T) {
	t.Parallel()
	s := newChangelog(t)
	s.refuses("changelog web", 2, "wants two things to compare", "try: kiln changelog")
	s.refuses("changelog web old.lock --markdown --json", 2, "two forms")
	s.edit("web/kiln.yaml", "- beta: the data", "- libalpha: the library")
	if o := s.does("changelog", "old.lock", "web"); !strings.Contains(o.stderr, "warning: the lock web/kiln.lock is older than its recipe") {
		t.Errorf("stale: %s", o)
	}
	if err := os.Remove(s.path("web/kiln.lock")); err != nil {
		t.Fatal(err)
	}
	s.refuses("changelog old.lock web", 1, "cannot read the lock", "try: kiln lock")
}
