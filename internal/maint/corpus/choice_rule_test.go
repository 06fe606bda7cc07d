package corpus_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
)

// index is a small archive; what a package depends on stands behind its name.
func index(t *testing.T) []described {
	t.Helper()
	var all []described
	add := func(name, source, section, priority string, depends ...string) {
		p := &deb.Package{Name: name, Source: source, Section: section, Priority: priority}
		for _, d := range depends {
			p.Depends = append(p.Depends, deb.Dependency{{Name: d}})
		}
		all = append(all, described{Package: p})
	}
	add("zz-standard", "zz", "games", "standard")
	add("libgtk-3-0t64", "gtk", "libs", "optional")
	add("server", "server", "net", "optional", "libserver")
	add("server-gtk", "server", "net", "optional", "libtool")
	add("libtool", "toolkit", "libs", "optional", "libgtk-3-0t64")
	add("libserver", "server", "libs", "optional", "libcommon")
	add("libserver-dev", "server", "libs", "optional", "libserver", "libcommon")
	add("libcommon", "common", "libs", "optional")
	add("libalone", "alone", "libs", "optional")
	add("tool", "tool", "utils", "optional", "libcommon", "libalone")
	add("game", "game", "games", "optional", "libcommon")
	return all
}

// Standard packages come whatever their section; then those that most sources name,
// a source counting once and never for itself; no games, nothing to compile
// against, nothing with windows.
func TestChoose(t *testing.T) {
	want := []string{"zz-standard", "libcommon", "libalone", "libserver", "server", "tool"}
	all := index(t)
	for range 2 {
		var got []string
		for _, p := range choose(all) {
			got = append(got, p.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		slices.Reverse(all) // the order of the index does not matter
	}
	if votes := votesOf(all); votes["libcommon"] != 3 || votes["libserver"] != 0 {
		t.Errorf("libcommon has %d votes, libserver %d", votes["libcommon"], votes["libserver"])
	}
}
