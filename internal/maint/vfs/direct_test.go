package vfs

import (
	"strings"
	"testing"

	"kiln/internal/tree"
)

// The short way to a path leads where the long one does, and is not taken where that fails.
func TestDirectIsWhereAWalkerComesTo(t *testing.T) {
	world, err := tree.Of(
		tree.Entry{Path: "a", Type: tree.Dir, Mode: 0o755},
		tree.Entry{Path: "a/b", Type: tree.Dir, Mode: 0o755},
		tree.Entry{Path: "a/b/pipe", Type: tree.Fifo, Mode: 0o644},
		tree.Entry{Path: "a/up", Type: tree.Symlink, Mode: 0o777, Link: "b"},
		tree.Entry{Path: "lost", Type: tree.Symlink, Mode: 0o777, Link: "nowhere"},
	)
	if err != nil {
		t.Fatal(err)
	}
	f := New(world, nil, 0)
	taken := 0
	for _, path := range []string{
		"/", "//", "/.", "/..", "/a", "/a/", "/a/.", "/a/..", "/a//b", "/a/b", "/a/b/pipe", "/a/b/pipe/", "/a/b/pipe/x", "/a/b/new", "/a/up", "/a/up/",
		"/a/up/pipe", "/a/../a/b", "/lost", "/lost/x", "/new", "/new/x", "/new/", "/a/" + strings.Repeat("n", maxName), "/a/" + strings.Repeat("n", maxName+1),
	} {
		for _, follow := range []bool{false, true} {
			for _, bare := range []bool{false, true} {
				got, plain := f.direct(path, follow)
				if !plain {
					continue
				}
				taken++
				w := walker{nodes: []*node{f.root}, rest: strings.Split(path, "/"), bare: bare}
				want, err := w.run(follow)
				if err != nil || got != want {
					t.Errorf("%s, follow %v, bare %v: %+v, want %+v, %v", path, follow, bare, got, want, err)
				}
			}
		}
	}
	if taken != 4*6+2*2 { // what is there or new; links that are not followed
		t.Errorf("the short way was taken %d times", taken)
	}
}
