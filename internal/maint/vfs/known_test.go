package vfs_test

import (
	"testing"

	"kiln"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// RewriteKnown does what Rewrite does, but for the bytes.
func TestRewriteKnown(t *testing.T) {
	contents := tree.Bytes{}
	digest := contents.Add([]byte("new"))
	for _, old := range []string{"-", "", "old", "longer than that", "new"} {
		var trees [2]*tree.Tree
		for i := range trees {
			f := vfs.New(tree.New(), contents, 100)
			if old != "-" {
				must(t, f.WriteFile("/x", []byte(old), 0o600))
				must(t, f.Setxattr("/x", "security.capability", "some"))
				f.Author(tree.Origin{Script: "one"})
			}
			var err error
			if i == 0 {
				err = f.Rewrite("/x", []byte("new"), 0o644)
			} else {
				err = f.RewriteKnown("/x", digest, 3, 0o644)
			}
			must(t, err)
			if got, err := f.ReadFile("/x"); err != nil || string(got) != "new" {
				t.Errorf("over %q: %q, %v", old, got, err)
			}
			must(t, f.Append("/x", []byte("er"), 0o644))
			var err2 error
			if trees[i], err2 = f.Tree(); err2 != nil {
				t.Fatal(err2)
			}
		}
		if diff := tree.Diff(trees[0], trees[1]); len(diff) > 0 {
			t.Errorf("over %q: %v", old, diff)
		}
		x, _ := trees[0].Lookup("x")
		y, _ := trees[1].Lookup("x")
		if x.Origin != y.Origin || y.Content != kiln.DigestOf([]byte("newer")) {
			t.Errorf("over %q: %+v, want %+v", old, y, x)
		}
	}
	f := vfs.New(tree.New(), contents, 100)
	f.Limit(2)
	if err := f.RewriteKnown("/x", digest, 3, 0o644); err == nil || f.Failure() == nil {
		t.Errorf("more than the limit: %v", err)
	}
}
