package xz

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"slices"
)

// check is the integrity check of a block's content (3.4).
type check struct {
	kind uint8
	hash hash.Hash // nil for no check and for a type that is only reserved
}

// The types of checks that the format defines.
const (
	checkCRC32  = 0x01
	checkCRC64  = 0x04
	checkSHA256 = 0x0a
)

func newCheck(kind uint8) check {
	c := check{kind: kind}
	switch kind {
	case checkCRC32:
		c.hash = crc32.NewIEEE()
	case checkCRC64:
		c.hash = new(crc64Hash)
	case checkSHA256:
		c.hash = sha256.New()
	}
	return c
}

// size returns the bytes that the check takes, which the format fixes for the
// reserved types too (2.1.1.2).
func (c check) size() int {
	if c.kind == 0 {
		return 0
	}
	return 4 << ((c.kind - 1) / 3)
}

func (c check) name() string {
	switch c.kind {
	case checkCRC32:
		return "CRC32"
	case checkCRC64:
		return "CRC64"
	}
	return "SHA-256"
}

func (c check) write(b []byte) {
	if c.hash != nil {
		c.hash.Write(b)
	}
}

func (c check) verify(sum []byte) error {
	if c.hash == nil {
		return nil
	}
	got := c.hash.Sum(nil)
	if c.kind != checkSHA256 { // CRCs are stored with their lowest byte first
		slices.Reverse(got)
	}
	if !bytes.Equal(got, sum) {
		return corrupt("the %s of its content is wrong", c.name())
	}
	return nil
}
