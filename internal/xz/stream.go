package xz

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

const (
	streamHeaderSize = 12
	streamFooterSize = 12
	headerMagic      = "\xfd7zXZ\x00"
	footerMagic      = "YZ"
	maxVLI           = 1<<63 - 1
)

// flags are what the header and the footer of a stream say of it (2.1.1.2).
type flags struct {
	check uint8 // the type of the blocks' check
}

func parseFlags(b []byte) (flags, error) {
	if b[0] != 0 || b[1] > 15 {
		return flags{}, unsupported("its stream flags are %#02x %#02x", b[0], b[1])
	}
	return flags{check: b[1]}, nil
}

// parseStreamHeader reads 12 bytes (2.1.1).
func parseStreamHeader(b []byte) (flags, error) {
	if string(b[:6]) != headerMagic {
		return flags{}, corrupt("it does not begin as an xz stream does")
	}
	if crc32.ChecksumIEEE(b[6:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return flags{}, corrupt("the CRC32 of the stream header is wrong")
	}
	return parseFlags(b[6:8])
}

// parseFooter reads 12 bytes (2.1.2) and returns how long the index is.
func parseFooter(b []byte) (flags, int64, error) {
	if string(b[10:]) != footerMagic {
		return flags{}, 0, corrupt("it does not end as an xz stream does")
	}
	if crc32.ChecksumIEEE(b[4:10]) != binary.LittleEndian.Uint32(b) {
		return flags{}, 0, corrupt("the CRC32 of the stream footer is wrong")
	}
	f, err := parseFlags(b[8:10])
	return f, (int64(binary.LittleEndian.Uint32(b[4:])) + 1) * 4, err
}

func checkFooter(b []byte, want flags, index int64) error {
	f, size, err := parseFooter(b)
	switch {
	case err != nil:
		return err
	case f != want:
		return corrupt("header and footer differ in their flags")
	case size != index:
		return corrupt("it says that the index has %d bytes, which has %d", size, index)
	}
	return nil
}

// skipPadding passes over the zeros behind a stream, four at a time (2.2), and
// reports whether more follows.
func skipPadding(s *source) (bool, error) {
	for {
		err := s.need(4)
		switch {
		case err == io.EOF:
			return false, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return false, corrupt("%d bytes that belong to nothing stand at the end of the file", s.end-s.pos)
		case err != nil:
			return false, err
		}
		if binary.LittleEndian.Uint32(s.buf[s.pos:]) != 0 {
			return true, nil
		}
		s.pos += 4
	}
}

// vli reads a number of variable length (1.2) from the start of b and returns
// what follows it. Where b ends first, ok is false and b is returned.
func vli(b []byte) (n uint64, rest []byte, ok bool, err error) {
	for i := range min(len(b), 9) {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] >= 0x80 {
			continue
		}
		if b[i] == 0 && i > 0 {
			return 0, nil, false, corrupt("a number is written in more bytes than it needs")
		}
		return n, b[i+1:], true, nil
	}
	if len(b) >= 9 {
		return 0, nil, false, corrupt("a number is longer than 63 bits")
	}
	return 0, b, false, nil
}

// pad returns how many zeros bring n bytes to a multiple of four.
func pad(n int64) int { return int(-n & 3) }

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
