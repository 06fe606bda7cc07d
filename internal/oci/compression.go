package oci

import (
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is how layers are compressed.
type Compression string

// The compressions.
const (
	Gzip Compression = "gzip" // read by every engine
	Zstd Compression = "zstd" // smaller and faster; docker before 23 and umoci cannot read it
)

// These are part of the format: another value gives other bytes, and so another
// action key. libraryVersion must be what go.mod says, as another version of the
// library may compress otherwise.
const (
	gzipLevel      = 6
	zstdLevel      = zstd.SpeedBetterCompression
	libraryVersion = "klauspost/compress v1.20.3"
)

// ParseCompression reads "gzip" or "zstd".
func ParseCompression(s string) (Compression, error) {
	switch c := Compression(s); c {
	case Gzip, Zstd:
		return c, nil
	}
	return "", fmt.Errorf("unknown compression %q: want gzip or zstd", s)
}

// mediaType is that of a layer.
func (c Compression) mediaType() string { return mediaLayer + "+" + string(c) }

// settings names all that the compressed bytes depend on.
func (c Compression) settings() (string, error) {
	switch c {
	case Gzip:
		return fmt.Sprintf("gzip level %d %s", gzipLevel, libraryVersion), nil
	case Zstd:
		return fmt.Sprintf("zstd level %d %s", int(zstdLevel), libraryVersion), nil
	}
	return "", fmt.Errorf("bug: unknown compression %q", c)
}

// writer starts one gzip member (RFC 1952) or zstd frame (RFC 8878); closing it
// ends that. The gzip header has no name, no time, and the operating system
// "unknown".
func (c Compression) writer(w io.Writer) (io.WriteCloser, error) {
	switch c {
	case Gzip:
		return gzipWriter(w, gzipLevel)
	case Zstd:
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1))
	}
	return nil, fmt.Errorf("bug: unknown compression %q", c)
}

// gzipWriter starts a gzip member whose header tells nothing.
func gzipWriter(w io.Writer, level int) (io.WriteCloser, error) {
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return nil, err
	}
	// The zero time.Time would be written as a time of its own.
	z.Header = gzip.Header{OS: osUnknown, ModTime: time.Unix(0, 0)}
	return z, nil
}

// osUnknown is the OS byte of a gzip header that tells nothing.
const osUnknown = 255
