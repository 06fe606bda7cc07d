// Package tree holds a root file system as a value: sorted entries, file content
// by digest, and the origin of each entry. It knows of no package family and
// touches no host path; symbolic links inside a tree are resolved by the tree,
// never by the host.
package tree

import (
	"io"

	"kiln"
)

// Type is the kind of an entry.
type Type byte

// The kinds. Hard links are not a kind: entries of one inode share Inode.
const (
	File     Type = 'f'
	Dir      Type = 'd'
	Symlink  Type = 'l'
	CharDev  Type = 'c'
	BlockDev Type = 'b'
	Fifo     Type = 'p'
)

// Entry is one path of a tree.
type Entry struct {
	Path    string            `json:"path"` // slash-separated, no leading or trailing slash, clean; the root itself is "."
	Type    Type              `json:"type"`
	Mode    uint32            `json:"mode"` // permission, setuid, setgid and sticky bits: at most 07777
	UID     int               `json:"uid"`
	GID     int               `json:"gid"`
	ModTime kiln.Epoch        `json:"mtime"`
	Size    int64             `json:"size,omitempty"`    // of a File, in bytes
	Content kiln.Digest       `json:"content,omitempty"` // of a File
	Link    string            `json:"link,omitempty"`    // of a Symlink: its target, verbatim. Of a File that is a further hard link: the path of the first
	Hard    bool              `json:"hard,omitempty"`    // a File that is a further name of the file at Link; Size and Content are those of that file
	Major   uint32            `json:"major,omitempty"`   // of a device
	Minor   uint32            `json:"minor,omitempty"`
	Xattrs  map[string]string `json:"xattrs,omitempty"` // raw values, "security.capability" above all
	Origin  Origin            `json:"origin"`
}

// Origin says why an entry exists: who made it and who changed it last. It is no
// part of the entry's identity: the tree digest does not cover it.
type Origin struct {
	Package string `json:"package,omitempty"` // name of the package that shipped it; "libc6:i386" where it is of a foreign architecture
	Script  string `json:"script,omitempty"`  // place in the maintainer script that made or changed it last: "libc6.postinst:12"
	Rule    string `json:"rule,omitempty"`    // name of the kiln rule that made or changed it
	Recipe  string `json:"recipe,omitempty"`  // place in the recipe: "layers[app].files[0]", "users[app]"
	Why     string `json:"why,omitempty"`     // the recipe's reason, where there is one
}

// Contents opens file content by digest. What it returns verifies: reading ends
// in io.EOF only if size and digest match.
type Contents interface {
	OpenContent(d kiln.Digest) (io.ReadCloser, error)
}

// Holder is a Contents that can keep open what it reads from, for those who read many
// files: until release is called, which the readers must not outlive.
type Holder interface {
	Hold() (held Contents, release func())
}

// Hold holds c, if it is a Holder. c may be nil.
func Hold(c Contents) (held Contents, release func()) {
	if h, ok := c.(Holder); ok {
		return h.Hold()
	}
	return c, func() {}
}
