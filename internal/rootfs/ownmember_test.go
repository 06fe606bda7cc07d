package rootfs

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/tree"
)

func TestOwnMembers(t *testing.T) {
	file := func(path string, size int64) tree.Entry {
		return tree.Entry{Path: path, Type: tree.File, Size: size}
	}
	link := file("z", ownLarge)
	link.Hard, link.Link = true, "a"
	for _, row := range []struct {
		entries []tree.Entry
		want    []string
	}{
		{nil, nil},
		{[]tree.Entry{file("a", 1), file("b", ownLarge-1)}, []string{"kiln: a b"}},
		{[]tree.Entry{file("a", 1), file("b", ownLarge), file("c", 2), file("d", 2*ownLarge)}, []string{"kiln: a c", "kiln /b: b", "kiln /d: d"}},
		{[]tree.Entry{file("b", ownLarge)}, []string{"kiln /b: b"}},
		{[]tree.Entry{file("a", ownLarge), file("b", ownLarge), link}, []string{"kiln: a z", "kiln /b: b"}},
		{[]tree.Entry{{Path: "l", Type: tree.Symlink, Size: ownLarge}}, []string{"kiln: l"}},
	} {
		var got []string
		for _, m := range ownMembers(tree.Member{Name: kilnMember, Entries: row.entries}) {
			line := m.Name + ":"
			for _, e := range m.Entries {
				line += " " + e.Path
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Error(fmt.Sprint(row.entries), diff)
		}
	}
}
