package apt

import (
	"bytes"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
)

// FuzzInRelease holds two things: nothing makes the judge fail in a way of its
// own, and whatever it accepts is the one text that was signed.
func FuzzInRelease(f *testing.F) {
	text := "Suite: x\nCodename: x\nDate: Sun, 01 Mar 2026 12:00:00 UTC\n- dash\n\nrest \t\n"
	good := apttest.ClearSign(text, apttest.Date, apttest.DefaultKey())
	ring, err := ParseKeyring(apttest.DefaultKey().Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(append([]byte("x\n"), good...))
	f.Add(append(bytes.Clone(good), good...))
	f.Add(bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")))
	f.Add(bytes.Replace(good, []byte("- - dash"), []byte("- dash"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := splitInRelease(b)
		if err != nil {
			return
		}
		v, err := ring.judge(s, apttest.Now)
		if err == nil && len(v.good) > 0 && string(s.text) != strings.ReplaceAll(text, "rest \t", "rest") {
			t.Errorf("accepted the text %q", s.text)
		}
	})
}

func FuzzRelease(f *testing.F) {
	f.Add(apttest.New(apttest.Suite{Name: "x"})["dists/x/Release"])
	f.Fuzz(func(t *testing.T, b []byte) {
		rel, err := parseRelease(b)
		if err != nil {
			return
		}
		for name := range rel.entries {
			if c, err := cleanPath(name); err != nil || c != name {
				t.Errorf("accepted the path %q", name)
			}
		}
		if rel.Date.IsZero() {
			t.Error("accepted a Release without a date")
		}
	})
}

func FuzzHostSources(f *testing.F) {
	f.Add([]byte("deb [a=b] http://x.example.org/debian s main\n"))
	f.Add([]byte("Types: deb\nURIs: http://x.example.org/debian\nSuites: s\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, u := range append(oneLineSources(b), deb822Sources(b)...) {
			if key := mirrorKey(u); key != "" {
				if _, err := parseMirror(u); err != nil {
					t.Errorf("%q is %s and no address: %v", u, key, err)
				}
			}
		}
	})
}
