package deb

import (
	"bytes"
	"fmt"
	"io"
)

// maxParagraph bounds a paragraph in bytes. The largest that archives hold are
// the lists of hashes in a Release file, about 2 MiB.
const maxParagraph = 16 << 20

// blocks cuts a stream at its empty lines without looking into what is between.
type blocks struct {
	r     io.Reader
	buf   []byte
	start int // of what is not handed out yet
	end   bool
	err   error

	line     int // of the block handed out last
	nextLine int // of buf[start], less one
}

// next returns the lines of the next paragraph, the last one ending in a line
// feed. They are valid until the next call.
func (b *blocks) next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.skipEmpty()
	if b.err != nil {
		return nil, b.err
	}
	b.line = b.nextLine + 1
	for scanned := 0; ; {
		n, lines := blockEnd(b.buf[b.start+scanned:])
		b.nextLine += lines
		scanned += n
		rest := b.buf[b.start+scanned:]
		if len(rest) > 0 && rest[0] == '\n' || b.end {
			return b.take(scanned)
		}
		if scanned+len(rest) > maxParagraph {
			return nil, b.tooLong()
		}
		b.fill()
		if b.err != nil {
			return nil, b.err
		}
	}
}

func (b *blocks) tooLong() error {
	return b.fail(fmt.Errorf("cannot read the paragraph at line %d: it is above %d bytes", b.line, maxParagraph))
}

// take hands out n bytes.
func (b *blocks) take(n int) ([]byte, error) {
	if n > maxParagraph {
		return nil, b.tooLong()
	}
	block := b.buf[b.start : b.start+n]
	b.start += n
	if b.end && b.start < len(b.buf) && b.buf[b.start] != '\n' {
		return nil, b.fail(fmt.Errorf("cannot read the paragraph at line %d: the file ends inside line %d", b.line, b.nextLine+1))
	}
	if i := bytes.IndexByte(block, 0); i >= 0 {
		line := b.line + bytes.Count(block[:i], []byte{'\n'})
		return nil, b.fail(fmt.Errorf("cannot read the paragraph at line %d: NUL byte in line %d", b.line, line))
	}
	return block, nil
}

// blockEnd returns the length of the whole lines before the first empty one, and
// how many they are.
func blockEnd(b []byte) (n, lines int) {
	for n < len(b) && b[n] != '\n' {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			break
		}
		n += i + 1
		lines++
	}
	return n, lines
}

// skipEmpty moves to the first byte of the next paragraph, or sets err to io.EOF.
func (b *blocks) skipEmpty() {
	for b.err == nil {
		for b.start < len(b.buf) && b.buf[b.start] == '\n' {
			b.start++
			b.nextLine++
		}
		if b.start < len(b.buf) {
			return
		}
		if b.end {
			b.err = io.EOF
			return
		}
		b.fill()
	}
}

// fill reads more, keeping what is not handed out.
func (b *blocks) fill() {
	kept := copy(b.buf, b.buf[b.start:])
	b.buf, b.start = b.buf[:kept], 0
	if cap(b.buf)-kept < 1<<16 {
		grown := make([]byte, kept, 2*cap(b.buf)+1<<18)
		copy(grown, b.buf)
		b.buf = grown
	}
	n, err := io.ReadAtLeast(b.r, b.buf[kept:cap(b.buf)], 1<<16)
	b.buf = b.buf[:kept+n]
	switch err {
	case nil:
	case io.EOF, io.ErrUnexpectedEOF:
		b.end = true
	default:
		b.err = err
	}
}

func (b *blocks) fail(err error) error {
	b.err = err
	return err
}
