package redact

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Found is a secret where none may be.
type Found struct {
	ID   string
	Form string // "plain", "base64", "gzip, plain"
}

const (
	window     = 1 << 20 // how much is looked at at once, in bytes
	mostDepth  = 4       // how many layers of gzip are looked into
	mostZipped = 4 << 30 // how much is unpacked of one file, in bytes
)

// gzipMagic is how a member begins: ID1, ID2, and the only method there is.
var gzipMagic = []byte{0x1f, 0x8b, 8}

// Find looks for secrets in the size bytes of r; nil where there is none. Memory is
// bounded, whatever the size. A gzip member is looked into wherever it begins, one
// within one where it is at its very beginning.
func (f *Forms) Find(r io.ReaderAt, size int64) (*Found, error) {
	if len(f.list) == 0 {
		return nil, nil
	}
	var members []int64
	hit, err := f.search(io.NewSectionReader(r, 0, size), func(at int64) { members = append(members, at) })
	if hit != nil || err != nil {
		return hit, err
	}
	left := int64(mostZipped)
	for _, at := range members {
		if hit, err := f.unzip(io.NewSectionReader(r, at, size-at), 1, &left); hit != nil || err != nil {
			return hit, err
		}
	}
	return nil, nil
}

// FindIn is Find in a text.
func (f *Forms) FindIn(b []byte) *Found {
	hit, _ := f.Find(bytes.NewReader(b), int64(len(b))) // reading memory does not fail
	return hit
}

// unzip looks into a member, and into one that this begins with.
func (f *Forms) unzip(r io.Reader, depth int, left *int64) (*Found, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, nil // three bytes that happened to be there
	}
	z.Multistream(false)
	in := bufio.NewReader(&io.LimitedReader{R: z, N: *left})
	if head, _ := in.Peek(len(gzipMagic)); bytes.Equal(head, gzipMagic) && depth < mostDepth {
		if hit, err := f.unzip(in, depth+1, left); hit != nil || err != nil {
			return inside(hit), err
		}
	}
	counted := &counter{r: in}
	hit, _ := f.search(counted, nil) // of a cut member, and of none after all, what there is was looked at
	if *left -= counted.n; *left <= 0 {
		return nil, fmt.Errorf("what is compressed in it is larger than %d bytes", int64(mostZipped))
	}
	return inside(hit), nil
}

func inside(f *Found) *Found {
	if f != nil {
		f.Form = "gzip, " + f.Form
	}
	return f
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// search looks for forms in a stream, as it is and without its white space, and tells
// where gzip members may begin.
func (f *Forms) search(r io.Reader, member func(at int64)) (*Found, error) {
	plain, packed := tail{keep: f.longest - 1}, tail{keep: f.longest - 1}
	buf := make([]byte, window)
	var dense []byte
	read, next := int64(0), int64(0)
	for {
		n, err := io.ReadFull(r, buf)
		seen := plain.join(buf[:n])
		if _, hit := f.first(seen); hit != nil {
			return &Found{hit.id, hit.name}, nil
		}
		dense = dense[:0]
		for _, c := range buf[:n] {
			if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
				dense = append(dense, c)
			}
		}
		if _, hit := f.first(packed.join(dense)); hit != nil {
			return &Found{hit.id, hit.name}, nil
		}
		read += int64(n)
		for from := read - int64(len(seen)); member != nil; {
			k := bytes.Index(seen[max(next-from, 0):], gzipMagic)
			if k < 0 {
				break
			}
			at := max(next, from) + int64(k)
			member(at)
			next = at + 1
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n < len(buf):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
}

// tail joins pieces so that what lies across an edge is seen.
type tail struct {
	keep int // bytes
	b    []byte
}

// join returns the end of what came before and b. It holds until the next call.
func (t *tail) join(b []byte) []byte {
	if over := len(t.b) - t.keep; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	t.b = append(t.b, b...)
	return t.b
}
