package rootfs

import (
	"crypto/md5"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/linkage"
	"kiln/internal/tree"
)

// index is what a .deb holds, apart from the bytes of its files, which stand one
// after the other in the blob Content. It depends on the .deb alone.
type index struct {
	Content   kiln.Digest
	Control   string // the control paragraph as it stands in the package
	Conffiles []deb.Conffile
	Files     []controlFile // of the control archive besides control, in its order; their bytes stand first in Content
	Newest    kiln.Epoch    // newest time stamp of Entries
	BuiltAt   kiln.Epoch    // of the .deb itself
	Entries   []packed      // in archive order
}

// controlFile is a member of the control archive: a maintainer script, templates,
// triggers, shlibs...
type controlFile struct {
	Name   string
	Mode   uint32
	Size   int64
	Offset int64 // in the content blob
	Digest kiln.Digest
}

// packed is an entry of the data archive. A further hard link names the first
// entry of its inode, which stands before it.
type packed struct {
	tree.Entry
	Offset  int64          // of a file: in the content blob
	MD5     [md5.Size]byte // of a file, as dpkg's database wants it
	Linkage *linkage.File  // of an ELF file that is sound
}

// file returns a member of the control archive, nil where it has none of the name.
func (ix *index) file(name string) *controlFile {
	for i := range ix.Files {
		if ix.Files[i].Name == name {
			return &ix.Files[i]
		}
	}
	return nil
}

// has reports whether the package has the maintainer script.
func (ix *index) has(name string) bool { return ix.file(name) != nil }
