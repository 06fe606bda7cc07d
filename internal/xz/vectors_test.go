package xz_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"kiln/internal/xz"
)

// decode reads a file in one of the ways that there are.
type decode func(data []byte, limits xz.Limits) ([]byte, error)

func ways() map[string]decode {
	return map[string]decode{
		"reader": func(data []byte, l xz.Limits) ([]byte, error) { return readAll(bytes.NewReader(data), l) },
		"single bytes": func(data []byte, l xz.Limits) ([]byte, error) {
			return readAll(iotest.OneByteReader(bytes.NewReader(data)), l)
		},
		"data with error": func(data []byte, l xz.Limits) ([]byte, error) {
			return readAll(iotest.DataErrReader(bytes.NewReader(data)), l)
		},
		"parallel": func(data []byte, l xz.Limits) ([]byte, error) {
			p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), l, 3)
			if err != nil {
				return nil, err
			}
			defer p.Close()
			return io.ReadAll(p)
		},
	}
}

func readAll(r io.Reader, l xz.Limits) ([]byte, error) {
	z, err := xz.NewReader(r, l)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

const (
	empty  = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	hello  = "8e5935e7e13368cd9688fe8f48a0955293676a021562582c7e848dafe13fb046"
	lorem  = "a643326fcc1346e96252c48931c32085ac7e3304adebd2e6e25390108c0b649e"
	branch = "022bfaefea07d1647ac4ffdebd3a3e511202664207a3cd67f5af5b32e87ef524"
	image  = "ecfff4f7718dc4fcf0c5dba8813c29a2648053f9efbbc17d7946d2c37092885a"
)

// goodVectors is what "xz -dc FILE | sha256sum" says of the files.
func goodVectors() map[string]string {
	return map[string]string{
		"good-0-empty": empty, "good-0cat-empty": empty, "good-0catpad-empty": empty, "good-0pad-empty": empty,
		"good-1-3delta-lzma2": lorem, "good-1-arm64-lzma2-1": branch, "good-1-arm64-lzma2-2": branch,
		"good-1-block_header-1": hello, "good-1-block_header-2": hello, "good-1-block_header-3": hello,
		"good-1-check-crc32": hello, "good-1-check-crc64": hello, "good-1-check-none": hello, "good-1-check-sha256": hello,
		"good-1-delta-lzma2.tiff": image, "good-1-empty-bcj-lzma2": empty,
		"good-1-lzma2-1": lorem, "good-1-lzma2-2": lorem, "good-1-lzma2-3": lorem, "good-1-lzma2-4": lorem,
		"good-1-lzma2-5": empty, "good-2-lzma2": hello,
		"unsupported-check": hello, // with a warning
	}
}

// badVectors is what we say of the files that xz refuses.
func badVectors() map[string]string {
	return map[string]string{
		"bad-0-backward_size":           "cannot read the xz stream footer: it is corrupt: it says that the index has",
		"bad-0-empty-truncated":         "the file ends in a stream footer: unexpected EOF",
		"bad-0-footer_magic":            "it does not end as an xz stream does",
		"bad-0-header_magic":            "cannot read the xz stream header: it is corrupt: it does not begin as an xz stream does",
		"bad-0-index-1":                 "the index has 8321499135 blocks, the stream 0",
		"bad-0-nonempty_index":          "the index has 1 blocks, the stream 0",
		"bad-0cat-alone":                "it does not begin as an xz stream does",
		"bad-0cat-header_magic":         "it does not begin as an xz stream does",
		"bad-0catpad-empty":             "it does not begin as an xz stream does",
		"bad-0pad-empty":                "1 bytes that belong to nothing stand at the end",
		"bad-1-block_header-1":          "its header ends within a",
		"bad-1-block_header-2":          "its header ends within a",
		"bad-1-block_header-3":          "block 1 of the xz file: it is corrupt: the CRC32 of its header is wrong",
		"bad-1-block_header-4":          "its header says that it has 9223372036854775807 compressed bytes",
		"bad-1-block_header-5":          "its header says that it has 0 compressed bytes",
		"bad-1-block_header-6":          "the index has 2240 blocks, the stream 0",
		"bad-1-check-crc32":             "block 1 of the xz file: it is corrupt: the CRC32 of its content is wrong",
		"bad-1-check-crc32-2":           "the CRC32 of its content is wrong",
		"bad-1-check-crc64":             "the CRC64 of its content is wrong",
		"bad-1-check-sha256":            "the SHA-256 of its content is wrong",
		"bad-1-index-huge-uncomp":       "the index has other sizes than the blocks",
		"bad-1-lzma2-1":                 "the first chunk does not begin the dictionary",
		"bad-1-lzma2-2":                 "a match goes back behind the start of the dictionary",
		"bad-1-lzma2-3":                 "a chunk has the LZMA properties 0x08",
		"bad-1-lzma2-4":                 "a chunk does not say how it is compressed",
		"bad-1-lzma2-5":                 "a chunk does not say how it is compressed",
		"bad-1-lzma2-6":                 "a chunk begins with the reserved byte 0x03",
		"bad-1-lzma2-7":                 "a chunk has more bytes than its content needs",
		"bad-1-lzma2-8":                 "a chunk does not say how it is compressed",
		"bad-1-lzma2-9":                 "goes on behind the size that its header says",
		"bad-1-lzma2-10":                "goes on behind the size that its header says",
		"bad-1-lzma2-11":                "goes on behind the size that its header says",
		"bad-1-stream_flags-1":          "header and footer differ in their flags",
		"bad-1-stream_flags-2":          "the CRC32 of the stream header is wrong",
		"bad-1-stream_flags-3":          "the CRC32 of the stream footer is wrong",
		"bad-1-vli-1":                   "a number is written in more bytes than it needs",
		"bad-1-vli-2":                   "a number is longer than 63 bits",
		"bad-2-compressed_data_padding": "block 1 of the xz file: it is corrupt: it is not padded with zeros",
		"bad-2-index-1":                 "the index has other sizes than the blocks",
		"bad-2-index-2":                 "the index has other sizes than the blocks",
		"bad-2-index-3":                 "the index is not padded with zeros",
		"bad-2-index-4":                 "the CRC32 of the index is wrong",
		"bad-2-index-5":                 "the index has a block of 0 bytes",
		"bad-3-index-uncomp-overflow":   "the index has more than 2^63 bytes",
		"unsupported-block_header":      "block 1 of the xz file: it is not supported: its header has more fields than are known",
		"unsupported-filter_flags-1":    "its last filter is 0x7f, not LZMA2",
		"unsupported-filter_flags-2":    "its last filter is 0x3, not LZMA2",
		"unsupported-filter_flags-3":    "its filter LZMA2 is not the last one",
	}
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/xz-utils/*.xz")
	if err != nil {
		t.Fatal(err)
	}
	good, bad := goodVectors(), badVectors()
	if len(files) != len(good)+len(bad) {
		t.Errorf("there are %d files, the tables have %d", len(files), len(good)+len(bad))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".xz")
		for way, decode := range ways() {
			t.Run(name+"/"+way, func(t *testing.T) {
				got, err := decode(data, xz.Limits{})
				if want, ok := good[name]; ok {
					if sum := fmt.Sprintf("%x", sha256.Sum256(got)); err != nil || sum != want {
						t.Errorf("got %v and the content %s, want %s", err, sum, want)
					}
					return
				}
				checkRefusal(t, name, err, bad[name])
			})
		}
	}
}

// checkRefusal wants text in err, and that its kind is told.
func checkRefusal(t *testing.T, name string, err error, text string) {
	t.Helper()
	if err == nil || text == "" || !strings.Contains(err.Error(), text) {
		t.Errorf("got the error %v, want one with %q", err, text)
	}
	kind := xz.ErrCorrupt
	switch {
	case strings.HasPrefix(name, "unsupported"):
		kind = xz.ErrUnsupported
	case strings.HasSuffix(name, "truncated"):
		kind = io.ErrUnexpectedEOF
	}
	if !errors.Is(err, kind) {
		t.Errorf("the error %v is not of the kind %v", err, kind)
	}
}
