package cli_test

import (
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
)

// One bit changed anywhere in the lock beside a recipe stops each command that would
// use it, and the lock is named.
func TestEveryBitOfALockIsCovered(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build()
	lock := s.read("web/kiln.lock")
	for i := 0; i < len(lock); i += 29 {
		bad := []byte(lock)
		bad[i] ^= 1 << (i % 8)
		s.write("web/kiln.lock", string(bad))
		for _, command := range []string{"build web --locked", "prove web --locked", "build web", "why web /etc --locked", "lock web --locked"}[:1+i%5] {
			s.refuses(command, 1, `cannot use the lock "web/kiln.lock": `, "try: ")
		}
	}
}

// What somebody changed in a lock is told of, and kiln lock is the way out: it believes
// of it only what the signed state of the archives bears out.
func TestLockThatWasChanged(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build()
	lock := s.read("web/kiln.lock")
	s.server.Update(apttest.New(later(1, alpha("1.1", "amd64"), libalpha("1.1", "amd64"), beta("1.1"))))
	for _, row := range []struct{ old, new string }{
		{lock[strings.Index(lock, `"wants": `):][:len(`"wants": "sha256:`)+1], otherDigit(lock, `"wants": "sha256:`)},
		{`"codename": "stable"`, `"codename": "stabil"`},
		{`"date": "2026-`, `"date": "2025-`},
		{lock[strings.Index(lock, `"fingerprint": "`):][:len(`"fingerprint": "`)+1], otherDigit(lock, `"fingerprint": "`)},
		{lock[strings.Index(lock, `"sha256": "`):][:len(`"sha256": "`)+1], otherDigit(lock, `"sha256": "`)},
		{`"version": "1.0"`, `"version": "1.1"`},
		{`"size": `, `"size": 1`},
		{`"required_by": ["recipe"]`, `"required_by": ["alpha", "recipe"]`},
		{`"archive": "test/stable",`, `"archive": "local",`},
	} {
		bad := strings.Replace(lock, row.old, row.new, 1)
		if bad == lock {
			t.Fatalf("nothing was changed of %q", row.old)
		}
		s.write("web/kiln.lock", bad)
		o := s.refuses("build web --locked", 1, `cannot use the lock "web/kiln.lock": something in it was changed since kiln wrote it: its digest is sha256:`,
			"try: restore the file from version control: git checkout web/kiln.lock\n", "and see what that changes: kiln lock\n")
		if t.Failed() {
			t.Fatalf("%q: %s", row.new, o)
		}
		o = s.does("lock", "web")
		if got := s.read("web/kiln.lock"); got != lock {
			t.Errorf("%q: kiln lock made\n%s", row.new, got)
		}
		if !strings.Contains(o.stderr, "the lock was changed since kiln wrote it: resolving again, against the archive state that it names") || !strings.Contains(o.stdout, "wrote web/kiln.lock") {
			t.Errorf("%q: %s", row.new, o)
		}
	}
	// Nothing that is not signed gets into a lock that way.
	release := lock[strings.Index(lock, `"release": `):][:len(`"release": "sha256:`)+1]
	s.write("web/kiln.lock", strings.Replace(lock, release, otherDigit(lock, `"release": "sha256:`), 1))
	s.refuses("lock web", 4, "try: move the lock to what the archives hold now: kiln lock --update")
	s.does("lock", "web", "--update")
	if o := s.does("build", "web", "--locked"); !strings.Contains(s.read("web/kiln.lock"), `"version": "1.1"`) {
		t.Errorf("it did not move: %s", o)
	}
}

// otherDigit is a text of a lock and the digit after it, as another one.
func otherDigit(lock, text string) string {
	if lock[strings.Index(lock, text)+len(text)] == '0' {
		return text + "1"
	}
	return text + "0"
}
