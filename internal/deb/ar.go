package deb

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kiln"
)

// ErrTruncated is in the chain of every error of a file that ends too early.
var ErrTruncated = errors.New("it is truncated")

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	maxMembers   = 64
)

// member is one file in an ar archive, the outer form of a .deb (deb(5)).
type member struct {
	name   string
	time   kiln.Epoch
	offset int64 // of its content
	size   int64
}

// readMembers lists the members of an ar archive. It knows the common format
// only, as dpkg does: no long names and no symbol table.
func readMembers(r io.ReaderAt, size int64) ([]member, error) {
	var magic [len(arMagic)]byte
	if err := readFull(r, magic[:], 0); err != nil {
		return nil, err
	}
	if string(magic[:]) != arMagic {
		return nil, errors.New("it is no ar archive")
	}
	var all []member
	for at := int64(len(arMagic)); at < size; {
		m, err := readHeader(r, at)
		if err != nil {
			return nil, err
		}
		if m.size > size-m.offset {
			return nil, fmt.Errorf("%w: member %q has %d of its %d bytes", ErrTruncated, m.name, size-m.offset, m.size)
		}
		if len(all) == maxMembers {
			return nil, fmt.Errorf("it has more than %d members", maxMembers)
		}
		all = append(all, m)
		at = m.offset + m.size + m.size%2
	}
	return all, nil
}

func readHeader(r io.ReaderAt, at int64) (member, error) {
	var h [arHeaderSize]byte
	if err := readFull(r, h[:], at); err != nil {
		return member{}, err
	}
	if string(h[58:]) != "`\n" {
		return member{}, fmt.Errorf("the member header at offset %d is damaged", at)
	}
	name := strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	size, err := arNumber(h[48:58])
	if err != nil {
		return member{}, fmt.Errorf("the size of member %q is %w", name, err)
	}
	time, err := arNumber(h[16:28])
	if err != nil {
		return member{}, fmt.Errorf("the time of member %q is %w", name, err)
	}
	return member{name, kiln.Epoch(time), at + arHeaderSize, size}, nil
}

// arNumber reads a decimal field that spaces pad on the right. At most twelve
// digits can stand there, so nothing overflows.
func arNumber(b []byte) (int64, error) {
	s := strings.TrimRight(string(b), " ")
	if !allDigits(s) {
		return 0, fmt.Errorf("%q, which is not a number", s)
	}
	if s == "" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// readFull reads len(b) bytes at offset at.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%w: it ends at byte %d", ErrTruncated, at+int64(n))
	}
	return err
}
