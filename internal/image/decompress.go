package image

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is what a zstd stream can make its decoder allocate, in bytes: the most
// that "zstd --ultra -22" asks for.
const maxWindow = 128 << 20

// decompressor is a stream with its compression, if any, taken off.
type decompressor struct {
	bounded
	plain bool // it was not compressed
	zstd  *zstd.Decoder
}

// counting counts what was read through it.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// decompress looks at the first bytes of r, whatever a media type says: gzip, zstd
// or none. xz and bzip2, which the OCI specification does not have, are refused.
func decompress(r io.Reader, b *budget) (*decompressor, error) {
	in := &counting{r: r}
	head := bufio.NewReaderSize(in, 64<<10)
	magic, err := head.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	d := &decompressor{bounded: bounded{r: head, budget: b, consumed: func() int64 { return in.n }}}
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		d.r, err = gzip.NewReader(head)
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		d.zstd, err = zstd.NewReader(head, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		d.r = d.zstd
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")), bytes.HasPrefix(magic, []byte("BZh")):
		return nil, refused("it is compressed with xz or bzip2: want gzip, zstd or none")
	default:
		d.plain, err = true, nil
	}
	if err != nil {
		return nil, refused("its compression is damaged: %v", err)
	}
	return d, nil
}

// Close frees the decoder.
func (d *decompressor) Close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}
