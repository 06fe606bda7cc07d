package cli_test

import (
	"strings"
	"testing"
	"time"

	"kiln/internal/apt/apttest"
)

const day = 24 * time.Hour

// with changes a suite.
func with(s apttest.Suite, change func(*apttest.Suite)) apttest.Suite {
	change(&s)
	return s
}

func stranger() []*apttest.Key {
	return []*apttest.Key{apttest.NewKey("Stranger", apttest.KeyOptions{})}
}

// A Release that is not to be believed is refused, whether it is the first that
// kiln sees or comes after a good one; and when the mirror is mended, the same
// commands give the right image.
func TestReleaseIsRefused(t *testing.T) {
	const other = "try: ask the archive's owner, or point the recipe's url at another mirror of it"
	rows := []struct {
		summary string
		suite   apttest.Suite
		fault   apttest.Fault // over InRelease
		texts   []string
	}{{
		summary: "signed by another key",
		suite:   with(later(1, stable().Packages...), func(s *apttest.Suite) { s.Keys = stranger() }),
		texts: []string{"none of its signatures is good and by a trusted key", "signed: key " + stranger()[0].Fingerprint() + ": not in the keyring",
			"trusted: " + apttest.DefaultKey().Fingerprint(), "try: if the archive's owner announced a new key"},
	}, {
		summary: "unsigned",
		suite:   with(later(1, stable().Packages...), func(s *apttest.Suite) { s.Unsigned = true }),
		texts:   []string{`"test/stable"`, "its Release is not signed", other},
	}, {
		summary: "no signature beside Release",
		suite:   with(later(1, stable().Packages...), func(s *apttest.Suite) { s.Unsigned = true }),
		fault:   apttest.Fault{Status: 404},
		texts:   []string{"its Release is not signed", other},
	}, {
		summary: "text changed after it was signed",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.EditInRelease = func(text string) string { return strings.Replace(text, "Origin: Test", "Origin: Tent", 1) }
		}),
		texts: []string{"none of its signatures is good", "signed: key ", "try: "},
	}, {
		summary: "text before the signed part",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.EditInRelease = func(text string) string { return "Origin: Evil\n\n" + text }
		}),
		texts: []string{"its signed Release is malformed", other},
	}, {
		summary: "expired",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.ValidUntil = apttest.Date.Add(2 * time.Hour)
		}),
		texts: []string{"its Release expired: it was valid until 2026-03-01 14:00:00 UTC, and it is judged as of 2026-03-02 12:00:00 UTC",
			"try: if the mirror is known to lag, judge as of a time when it was valid: kiln lock --at 2026-03-01T14:00:00Z"},
	}, {
		summary: "dated in the future",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.EditRelease = func(text string) string { return strings.Replace(text, "01 Mar 2026", "31 Mar 2026", 1) }
		}),
		texts: []string{"its Release is dated in the future: 2026-03-31 13:00:00 UTC", "try: check this machine's clock"},
	}, {
		summary: "signed in the future",
		suite:   later(24*30, stable().Packages...),
		texts:   []string{"signed in the future, at 2026-03-31 12:00:00 UTC", "try: check this machine's clock"},
	}, {
		summary: "of another suite",
		suite:   with(later(1, stable().Packages...), func(s *apttest.Suite) { s.Codename = "other" }),
		texts:   []string{`its Release is of another suite: its Suite is "other"`, "try: if that is the suite you mean"},
	}, {
		summary: "index without SHA-256",
		suite:   with(later(1, stable().Packages...), func(s *apttest.Suite) { s.Hashes = []string{"MD5Sum"} }),
		texts:   []string{`"test/stable"`, "by weak hashes alone, none by SHA-256", "try: tell the archive's owner"},
	}, {
		summary: "package without SHA-256",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.EditIndex = func(_, text string) string { return strings.ReplaceAll(text, "SHA256: ", "SHA-none: ") }
		}),
		texts: []string{`package "alpha"`, "it has no field SHA256", "try: tell the archive's owner"},
	}, {
		summary: "package path out of the archive",
		suite: with(later(1, stable().Packages...), func(s *apttest.Suite) {
			s.EditIndex = func(_, text string) string { return strings.ReplaceAll(text, "Filename: pool/", "Filename: ../") }
		}),
		texts: []string{`"../main/a/alpha/alpha_1.0_amd64.deb" is not a path inside the archive`, "try: tell the archive's owner"},
	}}
	want := clean(t, later(2, stable().Packages...))
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			bad := apttest.New(row.suite)
			s := newScene(t, bad)
			s.server.Fail("dists/stable/InRelease", row.fault)
			s.refuses("build web", 3, row.texts...)

			s.server.Fail("dists/stable/InRelease", apttest.Fault{})
			s.server.Update(apttest.New(later(1, stable().Packages...)))
			s.build()
			s.server.Update(bad)
			s.server.Fail("dists/stable/InRelease", row.fault)
			s.refuses("lock web --update", 3, row.texts...)
			s.refuses("lock web --update beta", 3, row.texts...)

			s.server.Fail("dists/stable/InRelease", apttest.Fault{})
			s.server.Update(apttest.New(later(2, stable().Packages...)))
			s.does("lock", "web", "--update")
			if got := s.build(); got.Index != want.Index {
				t.Errorf("index %s, want %s", got.Index, want.Index)
			}
		})
	}
}

// A mirror that serves an older state than before is refused, even to a lock
// that never saw the newer one.
func TestReleaseRollback(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(later(2, stable().Packages...)))
	want := s.build()
	s.server.Update(apttest.New(later(1, stable().Packages...)))
	s.refuses("lock web --update", 3, "its Release is older than the one that was accepted before: 2026-03-01 13:00:00 UTC, before 2026-03-01 14:00:00 UTC", "try: ")
	s.write("web/kiln.lock", "")
	s.refuses("build web", 1, "the file is empty", "try: restore the file from version control, or delete it")
	s.remove("web/kiln.lock")
	s.refuses("build web", 3, "older than the one that was accepted before")
	s.server.Update(apttest.New(later(3, stable().Packages...)))
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// --at judges as of a time, and the lock says so; a build of that lock needs no flag.
func TestReleaseJudgedAt(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(with(stable(), func(s *apttest.Suite) { s.ValidUntil = apttest.Date.Add(7 * day) })))
	s.env = append(s.env, clockVariable+"="+apttest.Date.Add(400*day).Format(time.RFC3339))
	s.refuses("build web", 3, "expired", "kiln lock --at 2026-03-08T12:00:00Z")
	s.refuses("lock web --at yesterday", 2, `cannot read the time "yesterday" of --at`, "try: --at 2026-11-20")
	s.does("lock", "web", "--at", "2026-03-08T12:00:00Z")
	for _, line := range []string{`"valid_until": "2026-03-08T12:00:00Z"`, `"judged_at": "2026-03-08T12:00:00Z"`} {
		if lock := s.read("web/kiln.lock"); !strings.Contains(lock, line) {
			t.Errorf("the lock does not say %s:\n%s", line, lock)
		}
	}
	if got, want := s.build("--locked"), clean(t, stable()); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// An index that is not what the Release says never reaches the resolver.
func TestIndexIsRefused(t *testing.T) {
	evil := apttest.New(with(stable(), func(s *apttest.Suite) {
		s.EditIndex = func(_, text string) string { return strings.ReplaceAll(text, "Version: 1.0", "Version: 6.6") }
	}))
	longer := append([]byte{}, apttest.New(stable())["dists/stable/main/binary-amd64/Packages.gz"]...)
	longer = append(longer, 0)
	rows := []struct {
		summary string
		content []byte
		status  int
		texts   []string
	}{
		{"another text", evil["dists/stable/main/binary-amd64/Packages.gz"], 3, []string{"the content is another", "try: "}},
		{"one byte more", longer, 3, []string{"the content is another: want ", "try: "}},
		{"a web page", []byte("<!DOCTYPE html><html>log in</html>"), 3, []string{"a web page was served in place of the file (a captive portal?)", "try: "}},
		{"nothing", []byte{}, 3, []string{"the content is another", "try: "}},
	}
	want := clean(t, stable())
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			s.server.Fail("*", apttest.Fault{})
			for name := range apttest.New(stable()) {
				if strings.HasPrefix(name, "dists/stable/main/binary-amd64/") {
					s.server.Fail(name, apttest.Fault{Content: row.content})
				}
			}
			s.refuses("build web", row.status, append(row.texts, "cannot fetch ", s.url)...)
			for name := range apttest.New(stable()) {
				s.server.Fail(name, apttest.Fault{})
			}
			if got := s.build(); got.Index != want.Index {
				t.Errorf("index %s, want %s", got.Index, want.Index)
			}
		})
	}
}
