package secrets

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"

	"github.com/klauspost/compress/zstd"

	"kiln/internal/xz"
)

// What is unpacked of one file, at most: past it, the rest is passed over, and that is
// told.
const (
	mostUnpacked = 512 << 20 // bytes in all
	mostMembers  = 100_000   // files in an archive
	mostWindow   = 64 << 20  // bytes of a dictionary
)

// Passed is a part of a file that was not looked into.
type Passed struct {
	Inside string `json:"inside,omitempty"` // as of Finding; empty for the file itself
	Why    string `json:"why"`
	Others int    `json:"others,omitempty"` // so many more of the file, for the same reason
}

// String is one line.
func (p Passed) String() string {
	text := p.Why
	if p.Inside != "" {
		text = p.Inside + ": " + text
	}
	if p.Others > 0 {
		text += fmt.Sprintf(", and %d more like it", p.Others)
	}
	return text
}

// packing is a form in which a file holds others, or itself compressed.
type packing struct {
	name  string
	magic string
	at    int // of the magic, in bytes
	open  func(io.Reader) (io.Reader, func(), error)
	walk  func(u *unpacking, inside string, r *bufio.Reader) error
}

func nothing() {}

// packings are the forms that are looked into, and those that are known not to be.
func packings() []packing {
	return []packing{
		{name: "gzip", magic: "\x1f\x8b\x08", open: func(r io.Reader) (io.Reader, func(), error) {
			z, err := gzip.NewReader(r)
			return z, nothing, err
		}},
		{name: "xz", magic: "\xfd7zXZ\x00", open: func(r io.Reader) (io.Reader, func(), error) {
			z, err := xz.NewReader(r, xz.Limits{Dictionary: mostWindow})
			return z, nothing, err
		}},
		{name: "zstd", magic: "\x28\xb5\x2f\xfd", open: func(r io.Reader) (io.Reader, func(), error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
			if err != nil {
				return nil, nothing, err
			}
			return z, z.Close, nil
		}},
		{name: "bzip2", magic: "BZh", open: func(r io.Reader) (io.Reader, func(), error) { return bzip2.NewReader(r), nothing, nil }},
		{name: "zip", magic: "PK\x03\x04", walk: (*unpacking).zip},
		{name: "tar", magic: "ustar", at: 257, walk: (*unpacking).tar},
		{name: "7z", magic: "7z\xbc\xaf\x27\x1c"},
		{name: "rar", magic: "Rar!\x1a\x07"},
		{name: "lz4", magic: "\x04\x22\x4d\x18"},
		{name: "lzip", magic: "LZIP\x01"},
		{name: "compress", magic: "\x1f\x9d"},
	}
}

// packingOf tells the form by the first bytes.
func packingOf(head []byte) (packing, bool) {
	for _, p := range packings() {
		if len(head) >= p.at+len(p.magic) && string(head[p.at:p.at+len(p.magic)]) == p.magic {
			if p.name == "bzip2" && (len(head) < 10 || string(head[4:10]) != "1AY&SY") {
				continue
			}
			return p, true
		}
	}
	return packing{}, false
}

// unpacking is the way through one packed file.
type unpacking struct {
	left    int64
	members int
	list    []Finding
	passed  []Passed
}

var errTooMuch = fmt.Errorf("it unpacks to more than %d MiB", mostUnpacked>>20)

// limited counts what is unpacked.
type limited struct {
	u *unpacking
	r io.Reader
}

func (l limited) Read(b []byte) (int, error) {
	if l.u.left <= 0 {
		return 0, errTooMuch
	}
	n, err := l.r.Read(b[:min(int64(len(b)), l.u.left)])
	l.u.left -= int64(n)
	return n, err
}

// pass notes what is not looked into; what is alike is counted.
func (u *unpacking) pass(inside, why string) {
	inside = shown(inside)
	for i := range u.passed {
		if u.passed[i].Why == why {
			u.passed[i].Others++
			return
		}
	}
	u.passed = append(u.passed, Passed{Inside: inside, Why: why})
}

// unpack looks into a file of that form.
func (u *unpacking) unpack(p packing, name string, r *bufio.Reader) {
	var err error
	switch {
	case p.walk != nil:
		err = p.walk(u, p.name, r)
	case p.open == nil:
		u.pass("", "it is compressed as "+p.name+", which kiln does not read")
	default:
		err = u.compressed(p, name, r)
	}
	if err != nil {
		u.pass("", fmt.Sprintf("it cannot be read as %s to its end: %v", p.name, err))
	}
}

// compressed looks into what is one compressed file, or an archive of many.
func (u *unpacking) compressed(p packing, name string, r io.Reader) error {
	z, done, err := p.open(r)
	if err != nil {
		return err
	}
	defer done()
	plain := bufio.NewReader(limited{u, z})
	head, _ := plain.Peek(headSize)
	if inner, ok := packingOf(head); ok && inner.name == "tar" {
		return u.tar(p.name, plain)
	}
	ext := path.Ext(name)
	if ext == ".svgz" {
		ext = "z"
	}
	return u.member(p.name, strings.TrimSuffix(name, ext), plain)
}

// member scans one file of what is unpacked. What is packed itself is passed over.
func (u *unpacking) member(inside, name string, r *bufio.Reader) error {
	inside = shown(inside)
	head, _ := r.Peek(headSize)
	if p, ok := packingOf(head); ok {
		u.pass(inside, "it is "+p.name+" inside of what is packed")
	}
	list, err := scanPlain(name, r)
	for i := range list {
		list[i].Inside = join(inside, list[i].Inside)
	}
	u.list = append(u.list, list[:min(len(list), MostFindings-len(u.list))]...)
	return err
}

// shown is a name of a file in an archive as it may be printed.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
	if runes := []rune(name); len(runes) > 300 {
		name = string(runes[:300]) + "..."
	}
	return name
}

func join(outer, inner string) string {
	if inner == "" {
		return outer
	}
	return outer + ":" + inner
}

// tar looks into an archive; unpacked are its own bytes, too, where it was compressed.
func (u *unpacking) tar(inside string, r *bufio.Reader) error {
	t := tar.NewReader(r)
	for len(u.list) < MostFindings {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if u.members++; u.members > mostMembers {
			return fmt.Errorf("it has more than %d files", mostMembers)
		}
		if h.Typeflag != tar.TypeReg || h.Size == 0 {
			continue
		}
		if err := u.member(inside+":"+path.Clean(h.Name), h.Name, bufio.NewReader(t)); err != nil {
			return err
		}
	}
	return nil
}

// scanPacked scans a file as it is and, in the same pass, what is packed in it.
func scanPacked(name string, p packing, r io.Reader) ([]Finding, []Passed, error) {
	pr, pw := io.Pipe()
	u := &unpacking{left: mostUnpacked}
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.unpack(p, strings.ToLower(path.Base(name)), bufio.NewReader(pr))
		_, _ = io.Copy(io.Discard, pr) // what the raw scan still writes
	}()
	tee := io.TeeReader(r, pw)
	raw, err := scanPlain(name, tee)
	if err == nil {
		_, err = io.Copy(io.Discard, tee)
	}
	pw.CloseWithError(err)
	<-done
	if err != nil {
		return nil, nil, err
	}
	// Of what is compressed, the bytes themselves mean nothing, but where they could
	// not be read as that.
	if p.open == nil || len(u.passed) > 0 {
		known := map[[32]byte]bool{}
		for _, f := range u.list {
			known[f.Same] = true
		}
		for _, f := range raw {
			if !known[f.Same] {
				u.list = append(u.list, f)
			}
		}
	}
	return u.list, u.passed, nil
}

// utf16Of tells the order of bytes of a text in UTF-16 (RFC 2781) by its mark or, where
// it has none, by what nearly all of its letters are.
func utf16Of(head []byte) (bigEndian, ok bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}): // UTF-32
		return false, false
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return false, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return true, true
	case len(head) < 16:
		return false, false
	}
	var letters [2]int // at even and at odd places
	for i := 0; i+1 < len(head); i += 2 {
		a, b := head[i], head[i+1]
		if b == 0 && (a >= ' ' && a <= '~' || a == '\n' || a == '\r' || a == '\t') {
			letters[0]++
		}
		if a == 0 && (b >= ' ' && b <= '~' || b == '\n' || b == '\r' || b == '\t') {
			letters[1]++
		}
	}
	pairs := len(head) / 2
	return letters[1] > letters[0], max(letters[0], letters[1])*10 >= pairs*9
}

// narrow gives of UTF-16 the ASCII; every other character is one "?".
type narrow struct {
	r   *bufio.Reader
	big bool
}

func (n narrow) Read(b []byte) (int, error) {
	i := 0
	for i < len(b) {
		if i > 0 && n.r.Buffered() < 2 {
			break
		}
		var pair [2]byte
		if _, err := io.ReadFull(n.r, pair[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			if i > 0 && errors.Is(err, io.EOF) {
				err = nil
			}
			return i, err
		}
		c := uint16(pair[0]) | uint16(pair[1])<<8
		if n.big {
			c = uint16(pair[1]) | uint16(pair[0])<<8
		}
		if b[i] = '?'; c < 0x80 {
			b[i] = byte(c)
		}
		i++
	}
	return i, nil
}
