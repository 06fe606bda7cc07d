package tree

import (
	"bytes"
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
	buf := bytes.NewBuffer(make([]byte, 0, 160*len(t.nodes)))
	buf.WriteString(listingHeader)
	for _, p := range t.Paths() {
		writeLine(buf, &t.nodes[p].entry)
	}
	return buf.Bytes()
}

// Digest returns the tree digest: that of Listing.
func (t *Tree) Digest() kiln.Digest { return kiln.DigestOf(t.Listing()) }

func writeLine(buf *bytes.Buffer, e *Entry) {
	mode := e.Mode
	if e.Type == Symlink {
		mode = 0o777
	}
	escape(buf, Absolute(e.Path))
	fmt.Fprintf(buf, " type=%c mode=%04o uid=%d gid=%d mtime=%d", e.Type, mode, e.UID, e.GID, int64(e.ModTime))
	switch e.Type {
	case File:
		buf.WriteString(" size=" + strconv.FormatInt(e.Size, 10) + " content=" + string(e.Content))
		if e.Hard {
			buf.WriteString(" hard=")
			escape(buf, Absolute(e.Link))
		}
	case Symlink:
		buf.WriteString(" link=")
		escape(buf, e.Link)
	case CharDev, BlockDev:
		fmt.Fprintf(buf, " device=%d,%d", e.Major, e.Minor)
	}
	for _, name := range sortedKeys(e.Xattrs) {
		buf.WriteString(" xattr.")
		escape(buf, name)
		buf.WriteString("=" + hex.EncodeToString([]byte(e.Xattrs[name])))
	}
	buf.WriteByte('\n')
}

func escape(buf *bytes.Buffer, s string) {
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '%' || c == '=' {
			fmt.Fprintf(buf, "%%%02X", c)
		} else {
			buf.WriteByte(c)
		}
	}
}
