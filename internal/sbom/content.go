package sbom

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
)

// ContentFormat is the version of Content.
const ContentFormat = 1

// Content is what the bytes of a file tell.
type Content struct {
	SHA1 string    `json:"sha1"`
	Go   *GoBinary `json:"go,omitempty"`
}

// largestProgram is up to where a program is looked into, in bytes: it is held in
// memory meanwhile.
const largestProgram = 512 << 20

// ReadContent reads a file of size bytes to its end, so that a reader that verifies
// gives its verdict.
func ReadContent(r io.Reader, size int64) (Content, error) {
	sum := sha1.New()
	var head [4]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return Content{}, err
	}
	sum.Write(head[:n])
	var whole *bytes.Buffer
	out := io.Writer(sum)
	if program(head[:n]) && size <= largestProgram {
		whole = bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
		whole.Write(head[:n])
		out = io.MultiWriter(sum, whole)
	}
	more, err := io.Copy(out, r)
	if err != nil {
		return Content{}, err
	}
	if got := int64(n) + more; got != size {
		return Content{}, fmt.Errorf("it has %d bytes, not %d", got, size)
	}
	c := Content{SHA1: hex.EncodeToString(sum.Sum(nil))}
	if whole != nil {
		c.Go = ReadGo(bytes.NewReader(whole.Bytes()))
	}
	return c, nil
}

// program tells whether a file begins as programs do: ELF, PE, Mach-O.
func program(head []byte) bool {
	return bytes.Equal(head, []byte("\x7fELF")) || bytes.HasPrefix(head, []byte("MZ")) || bytes.Equal(head, []byte{0xcf, 0xfa, 0xed, 0xfe})
}
