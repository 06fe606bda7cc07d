package tree

import (
	"fmt"
	"strings"
)

// String shows the entry in one short line, for people and tests:
//
//	/usr/bin/app f 0755 @100 12B 2cf24dba5fb0
//	/bin l 0777 @100 -> usr/bin
//	/usr/bin/b f 0755 @100 12B 2cf24dba5fb0 = /usr/bin/app
//
// An owner other than 0:0 stands after the mode.
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %04o", Absolute(e.Path), e.Type, e.Mode)
	if e.UID != 0 || e.GID != 0 {
		fmt.Fprintf(&b, " %d:%d", e.UID, e.GID)
	}
	fmt.Fprintf(&b, " @%d", int64(e.ModTime))
	switch e.Type {
	case File:
		fmt.Fprintf(&b, " %dB %s", e.Size, e.Content.Short())
		if e.Hard {
			b.WriteString(" = " + Absolute(e.Link))
		}
	case Symlink:
		b.WriteString(" -> " + e.Link)
	case CharDev, BlockDev:
		fmt.Fprintf(&b, " %d,%d", e.Major, e.Minor)
	}
	for _, name := range sortedKeys(e.Xattrs) {
		fmt.Fprintf(&b, " %s=%x", name, e.Xattrs[name])
	}
	return b.String()
}

// Dump returns the entries of the tree, the root left out, each as one line.
func (t *Tree) Dump() []string {
	var lines []string
	for e := range t.All() {
		if e.Path != "." {
			lines = append(lines, e.String())
		}
	}
	return lines
}
