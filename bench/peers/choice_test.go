package main

import (
	"slices"
	"testing"

	"kiln/internal/deb"
	"kiln/internal/lock"
)

// Each beginning of the list can be installed: what a package needs stands before
// it, in whatever order the archive lists them.
func TestChoose(t *testing.T) {
	needs := func(names ...string) (r deb.Relations) {
		for _, n := range names {
			r = append(r, deb.Dependency{{Name: n}})
		}
		return r
	}
	all := []*deb.Package{
		{Name: "libc6", Version: "2", Section: "libs", Breaks: needs("old")},
		{Name: "libc6", Version: "1", Section: "libs", Depends: needs("gone")},
		{Name: "liba", Version: "1", Section: "libs", Depends: needs("libb", "libc6")},
		{Name: "libb", Version: "1", Section: "libs", Depends: needs("libc6")},
		{Name: "libhuge", Version: "1", Section: "libs", Size: maxDeb + 1},
		{Name: "libonhuge", Version: "1", Section: "libs", Depends: needs("libhuge")},
		{Name: "libfights", Version: "1", Section: "libs", Conflicts: needs("liba")},
		{Name: "libeither", Version: "1", Section: "libs", Depends: deb.Relations{{{Name: "libfights"}, {Name: "libb"}}}},
		{Name: "libone", Version: "1", Section: "libs", Depends: needs("libtwo")},
		{Name: "libtwo", Version: "1", Section: "libs", Depends: needs("libone")},
		{Name: "tool", Version: "1", Section: "utils"},
	}
	base := []lock.Package{{Name: "libc6"}}
	want := choose(all, base, 100)
	if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(sorted, []string{"liba", "libb", "libc6", "libeither", "libone", "libtwo"}) {
		t.Errorf("chose %v", sorted)
	}
	if want[0] != "libc6" || slices.Index(want, "libb") > slices.Index(want, "liba") {
		t.Errorf("the order is %v", want)
	}
	for range all {
		all = append(all[1:], all[0])
		if got := choose(all, base, 100); !slices.Equal(got, want) {
			t.Errorf("in another order %v, not %v", got, want)
		}
	}
	if got := choose(all, base, 3); !slices.Equal(got, want[:3]) {
		t.Errorf("the first three are %v of %v", got, want)
	}
}
