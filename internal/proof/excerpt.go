package proof

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"kiln"
	"kiln/internal/tree"
)

// excerptSize bounds what is shown of a file's content, in bytes.
const excerptSize = 60

// lineSize is how far back a line is looked for, in bytes.
const lineSize = 200

// excerpts shows where the contents of two files begin to differ, in each of them.
func excerpts(a, b tree.Contents, first, second kiln.Digest) (was, is string) {
	was, is = string(first), string(second)
	left, err := a.OpenContent(first)
	if err != nil {
		return was, is
	}
	defer left.Close()
	right, err := b.OpenContent(second)
	if err != nil {
		return was, is
	}
	defer right.Close()
	l, r := bufio.NewReader(left), bufio.NewReader(right)
	at, line, before := common(l, r)
	tailL, tailR := head(l), head(r)
	if text := append(append(bytes.Clone(before), tailL...), tailR...); !utf8.Valid(text) && !truncatedText(text) || bytes.IndexByte(text, 0) >= 0 {
		return fmt.Sprintf("%s, byte %d: %x", first.Short(), at+1, tailL[:min(len(tailL), 16)]), fmt.Sprintf("%s, byte %d: %x", second.Short(), at+1, tailR[:min(len(tailR), 16)])
	}
	show := func(d kiln.Digest, tail []byte) string {
		whole, _, _ := bytes.Cut(append(bytes.Clone(before), tail...), []byte("\n"))
		return fmt.Sprintf("%s, line %d: %q", d.Short(), line, whole[:min(len(whole), excerptSize)])
	}
	return show(first, tailL), show(second, tailR)
}

// truncatedText reports whether only the ends of what was cut spoil the text.
func truncatedText(text []byte) bool {
	return strings.Count(string(bytes.ToValidUTF8(text, []byte("\x00"))), "\x00") <= 4 && bytes.IndexByte(text, 0) < 0
}

// common reads what two streams have in common: at is its length, line the number of
// the line, from 1, in which it ends, and before what that line begins with.
func common(l, r *bufio.Reader) (at, line int, before []byte) {
	line = 1
	for {
		x, err := l.Peek(1)
		y, err2 := r.Peek(1)
		if err != nil || err2 != nil || x[0] != y[0] {
			return at, line, before
		}
		c := x[0]
		_, _ = l.Discard(1)
		_, _ = r.Discard(1)
		at++
		switch {
		case c == '\n':
			line, before = line+1, before[:0]
		case len(before) < lineSize:
			before = append(before, c)
		}
	}
}

func head(r io.Reader) []byte {
	b := make([]byte, excerptSize)
	n, _ := io.ReadFull(r, b)
	return b[:n]
}
