package rootfs_test

import (
	"testing"

	"kiln/internal/rootfs"
)

// A folder of documents, or the copyright file, may be a link to another package's; a
// link that leads nowhere, or in a circle, is no copyright file.
func TestCopyrightFile(t *testing.T) {
	find := rootfs.CopyrightIn(
		[]string{"usr/share/doc/a/copyright"},
		map[string]string{
			"usr/share/doc/folder": "a", "usr/share/doc/chain": "folder", "usr/share/doc/absolute": "/usr/share/doc/a",
			"usr/share/doc/file/copyright": "../a/copyright", "usr/share/doc/both/copyright": "../chain/copyright",
			"usr/share/doc/nowhere": "../../../../../etc", "usr/share/doc/ring": "gnir", "usr/share/doc/gnir": "ring",
		})
	for name, want := range map[string]bool{
		"a": true, "folder": true, "chain": true, "absolute": true, "file": true, "both": true, "nowhere": false, "ring": false, "none": false,
	} {
		if got := find(name); (got == "usr/share/doc/a/copyright") != want {
			t.Errorf("%s: found %q, want a file: %t", name, got, want)
		}
	}
}
