package tree

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"kiln"
)

// listingHeader is the first line of a listing. The number changes with the format.
const listingHeader = "kiln-tree 1\n"

// Listing returns the canonical listing of the tree, the text whose digest names
// it. It holds what every output of an image can tell and nothing else: origins
// are not covered.
//
// The first line is "kiln-tree 1". Then follows one line for each entry, sorted
// by path with the root first, made of words with one space between them and a
// newline at the end:
//
//	/usr/bin/perl     the path, with a leading slash; the root is "/"
//	type=f            f file, d directory, l symbolic link, c and b devices, p named pipe
//	mode=0755         four octal digits; 0777 for symbolic links, whose mode means nothing
//	uid=0 gid=0       decimal
//	mtime=1700000000  seconds since 1970-01-01 UTC
//	size=12           of a file, in bytes
//	content=sha256:…  of a file
//	link=…            of a symbolic link: its target
//	hard=/usr/bin/a   of a further hard link: the first path of its group in listing order
//	device=1,3        of a device: major and minor number
//	xattr.NAME=…      each extended attribute, sorted by name: the value in hexadecimal
//
// Words that do not apply are left out. In paths, targets and names of
// attributes every byte outside of "!" to "~", and "%" and "=", is written as "%"
// and two upper-case hexadecimal digits.
func (t *Tree) Listing() []byte {
	b := make([]byte, 0, 200*len(t.nodes))
	b = append(b, listingHeader...)
	for _, n := range t.inOrder() {
		b = appendLine(b, &n.entry)
	}
	return b
}

// Digest returns the tree digest: that of Listing.
func (t *Tree) Digest() kiln.Digest { return kiln.DigestOf(t.Listing()) }

func appendLine(b []byte, e *Entry) []byte {
	mode := e.Mode
	if e.Type == Symlink {
		mode = 0o777
	}
	b = escape(b, Absolute(e.Path))
	b = append(append(b, " type="...), byte(e.Type))
	b = append(b, " mode="...)
	for shift := 9; shift >= 0; shift -= 3 {
		b = append(b, '0'+byte(mode>>shift&7))
	}
	b = strconv.AppendInt(append(b, " uid="...), int64(e.UID), 10)
	b = strconv.AppendInt(append(b, " gid="...), int64(e.GID), 10)
	b = strconv.AppendInt(append(b, " mtime="...), int64(e.ModTime), 10)
	switch e.Type {
	case File:
		b = strconv.AppendInt(append(b, " size="...), e.Size, 10)
		b = append(append(b, " content="...), e.Content...)
		if e.Hard {
			b = escape(append(b, " hard="...), Absolute(e.Link))
		}
	case Symlink:
		b = escape(append(b, " link="...), e.Link)
	case CharDev, BlockDev:
		b = fmt.Appendf(b, " device=%d,%d", e.Major, e.Minor)
	}
	if len(e.Xattrs) > 0 {
		for _, name := range sortedKeys(e.Xattrs) {
			b = escape(append(b, " xattr."...), name)
			b = hex.AppendEncode(append(b, '='), []byte(e.Xattrs[name]))
		}
	}
	return append(b, '\n')
}

func escape(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '%' || c == '=' {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}
