package rootfs

import (
	"crypto/md5"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/tree"
)

// index is what a .deb holds, apart from the bytes of its files, which stand one
// after the other in the blob Content. It depends on the .deb alone.
type index struct {
	Content   kiln.Digest
	Control   string // the control paragraph as it stands in the package
	Conffiles []deb.Conffile
	Scripts   []script
	Triggers  string     // the triggers file
	Newest    kiln.Epoch // newest time stamp of Entries
	BuiltAt   kiln.Epoch // of the .deb itself
	Entries   []packed   // in archive order
}

// script is a file of the control archive that would run.
type script struct {
	Name   string
	Digest kiln.Digest
}

// packed is an entry of the data archive. A further hard link names the first
// entry of its inode, which stands before it.
type packed struct {
	tree.Entry
	Offset int64          // of a file: in the content blob
	MD5    [md5.Size]byte // of a file, as dpkg's database wants it
}

// scriptNames lists the members of a control archive that dpkg or debconf runs.
func scriptNames() []string { return []string{"preinst", "postinst", "prerm", "postrm", "config"} }

// has reports whether the package has the maintainer script.
func (ix *index) has(name string) bool {
	for _, s := range ix.Scripts {
		if s.Name == name {
			return true
		}
	}
	return false
}
