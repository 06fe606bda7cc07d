package tree_test

import (
	"path"
	"strings"
	"testing"

	"kiln/internal/tree"
)

func TestCleanPath(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, row := range []struct{ name, want string }{
		{"./", "."},
		{".", "."},
		{"./usr/bin/", "usr/bin"},
		{"a//b/./c", "a/b/c"},
		{"..a/b..", "..a/b.."},
		{"", "error: empty"},
		{"/", "error: absolute"},
		{"/etc", "error: absolute"},
		{"..", "error: \"..\""},
		{"a/../b", "error: \"..\""},
		{"./..", "error: \"..\""},
		{"a\x00b", "error: NUL"},
		{long, "error: longer than 255"},
		{strings.Repeat(strings.Repeat("x", 99)+"/", 41), "error: longer than 4095"},
	} {
		got, err := tree.CleanPath(row.name)
		if text, ok := strings.CutPrefix(row.want, "error: "); ok {
			wantError(t, err, text)
		} else if err != nil || got != row.want {
			t.Errorf("CleanPath(%q) = %q, %v; want %q", row.name, got, err, row.want)
		}
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"./a/../b", "/x", "a/./b//", "..", "\x00", "....//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := tree.CleanPath(name)
		if err != nil {
			return
		}
		again, err := tree.CleanPath(got)
		if err != nil || again != got {
			t.Errorf("CleanPath(%q) = %q, which cleans to %q, %v", name, got, again, err)
		}
		if got != path.Clean(got) || strings.HasPrefix(path.Join("/t", got)+"/", "/t/") == false {
			t.Errorf("CleanPath(%q) = %q leaves the tree", name, got)
		}
	})
}

func FuzzResolve(f *testing.F) {
	f.Add("a", "../..", "b/c", "/a")
	f.Add("a/b", "/", "c", "a/b/../../x")
	f.Fuzz(func(t *testing.T, p, target, q, look string) {
		tr := tree.New()
		for _, e := range []tree.Entry{dir("a"), symlink(p, target), symlink(q, look), file("a/f", "1")} {
			_ = tr.Insert(e) // whatever cannot be inserted is not there
		}
		for _, s := range []string{look, p + "/" + look, q} {
			if got, err := tr.Resolve(s); err == nil {
				if e, ok := tr.Lookup(got); !ok || e.Type == tree.Symlink {
					t.Errorf("Resolve(%q) = %q, which is %v", s, got, e)
				}
			}
			if got, err := tr.Locate(s); err == nil && got != path.Clean(got) {
				t.Errorf("Locate(%q) = %q", s, got)
			}
		}
	})
}
