// Package systemdb compiles the two databases that systemd's packages make of text
// when they are installed: of hardware (hwdb(7), hwdb.bin) and of explanations of
// log messages (the journal's catalog). The files are those of systemd 257, byte
// by byte: the order in which texts come settles where they stand. It does no I/O.
package systemdb

import (
	"bytes"
	"iter"
)

// Source is one text file, by its path in the tree.
type Source struct {
	Path string
	Text []byte
}

// lines splits a text into its lines, their ends included. A zero byte ends a
// line as well.
func lines(text []byte) iter.Seq[[]byte] {
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0}, []byte{'\n'})
	}
	return bytes.Lines(text)
}
