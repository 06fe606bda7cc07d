package xz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	encoder "github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"kiln/internal/xz"
)

// text is so many bytes that compress well, with matches near and far and parts
// that do not compress at all.
func text(size int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	var b bytes.Buffer
	for b.Len() < size {
		switch r.IntN(8) {
		case 0:
			for range r.IntN(300) {
				b.WriteByte(byte(r.Uint32()))
			}
		case 1:
			b.WriteString(strings.Repeat("ab\x00"[:1+r.IntN(3)], r.IntN(400)))
		case 2, 3:
			if have := b.Bytes(); len(have) > 0 {
				from := r.IntN(len(have))
				b.Write(bytes.Clone(have[from:min(len(have), from+r.IntN(500))]))
			}
		default:
			fmt.Fprintf(&b, "/usr/share/doc/package-%d/copyright %x\n", r.IntN(90), r.IntN(1000))
		}
	}
	return b.Bytes()[:size]
}

func compress(t testing.TB, c encoder.WriterConfig, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// configs are settings of the other encoder.
func configs() []encoder.WriterConfig {
	return []encoder.WriterConfig{
		{},
		{CheckSum: encoder.CRC32, BlockSize: 10_000},
		{CheckSum: encoder.SHA256, BlockSize: 100_000},
		{NoCheckSum: true, DictCap: 4096},
		{DictCap: 64 << 10, BufSize: 8 << 10, Properties: &lzma.Properties{LC: 0, LP: 4, PB: 0}},
		{DictCap: 96 << 10, Properties: &lzma.Properties{LC: 4, LP: 0, PB: 4}},
		{DictCap: 96 << 10, BlockSize: 77_777, Properties: &lzma.Properties{LC: 1, LP: 2, PB: 1}},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, 2, 17, 4095, 70_000, 700_000} {
		content := text(size)
		for i, c := range configs() {
			data := compress(t, c, content)
			for way, decode := range ways() {
				got, err := decode(data, xz.Limits{})
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, config %d, %s: got %v and %d bytes", size, i, way, err, len(got))
				}
			}
		}
	}
}

// TestWindow decodes far more than the window holds, so that the dictionary moves
// often, with matches as far back as they go.
func TestWindow(t *testing.T) {
	content := text(6 << 20)
	data := compress(t, encoder.WriterConfig{DictCap: 1 << 20}, content)
	for way, decode := range ways() {
		got, err := decode(data, xz.Limits{})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: got %v and %d bytes", way, err, len(got))
		}
	}
}

// several is a file of three streams of one, no and four blocks, with padding.
func several(t testing.TB) (content, data []byte) {
	one, four := text(600), text(1300)
	data = compress(t, encoder.WriterConfig{CheckSum: encoder.CRC32}, one)
	data = append(data, 0, 0, 0, 0, 0, 0, 0, 0)
	data = append(data, compress(t, encoder.WriterConfig{CheckSum: encoder.SHA256}, nil)...)
	data = append(data, compress(t, encoder.WriterConfig{BlockSize: 400}, four)...)
	return append(one, four...), append(data, 0, 0, 0, 0)
}

func TestStreams(t *testing.T) {
	content, data := several(t)
	for way, decode := range ways() {
		got, err := decode(data, xz.Limits{})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: got %v and %d bytes", way, err, len(got))
		}
	}
}

// TestTruncated cuts a file at every byte. Only where a stream or its padding
// ends can what is left be a file; elsewhere the error says that the end is gone
// or, within padding, that there is too much.
func TestTruncated(t *testing.T) {
	content, data := several(t)
	whole := 0
	for n := range data {
		for way, decode := range ways() {
			got, err := decode(data[:n], xz.Limits{})
			switch {
			case !bytes.HasPrefix(content, got):
				t.Fatalf("%d bytes, %s: the content is another", n, way)
			case err == nil:
				whole++
			case !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "belong to nothing"):
				t.Errorf("%d bytes, %s: got the error %v", n, way, err)
			}
		}
	}
	if want := 5 * len(ways()); whole != want { // after stream 1, twice in its padding, after streams 2 and 3
		t.Errorf("%d shortened files were taken for whole, want %d", whole, want)
	}
}

// TestDamage turns every bit of a file. No change of a bit escapes the CRCs.
func TestDamage(t *testing.T) {
	_, data := several(t)
	for i := range len(data) * 8 {
		data[i/8] ^= 1 << (i % 8)
		for _, way := range []string{"reader", "parallel"}[:1+i%8/7] {
			if _, err := ways()[way](data, xz.Limits{}); err == nil {
				t.Errorf("%s: bit %d of byte %d has no effect", way, i%8, i/8)
			}
		}
		data[i/8] ^= 1 << (i % 8)
	}
}

// TestDictionary asks for more than is allowed, and for exactly that.
func TestDictionary(t *testing.T) {
	content := text(5000)
	for _, dictionary := range []int64{64 << 10, 8 << 20, 96 << 20} {
		data := compress(t, encoder.WriterConfig{DictCap: int(dictionary), BlockSize: 2000}, content)
		for way, decode := range ways() {
			got, err := decode(data, xz.Limits{Dictionary: dictionary})
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d, %s: got %v", dictionary, way, err)
			}
			_, err = decode(data, xz.Limits{Dictionary: dictionary - 1})
			want := fmt.Sprintf("block 1 of the xz file: it needs more memory than is allowed: its dictionary has %d bytes, the limit is %d", dictionary, dictionary-1)
			if !errors.Is(err, xz.ErrMemory) || !strings.Contains(err.Error(), want) {
				t.Errorf("%d, %s: got the error %v, want one with %q", dictionary, way, err, want)
			}
		}
	}
	_, err := readAll(bytes.NewReader(compress(t, encoder.WriterConfig{DictCap: 96 << 20}, content)), xz.Limits{})
	if !errors.Is(err, xz.ErrMemory) {
		t.Errorf("the default lets 96 MiB pass: %v", err)
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory measures that what a header says costs nothing before it is true,
// and that a long content costs no more than its dictionary.
func TestMemory(t *testing.T) {
	tiny := compress(t, encoder.WriterConfig{DictCap: 64 << 20}, text(100))
	if got := allocated(func() { drain(t, tiny) }); got > 1<<20 {
		t.Errorf("100 bytes with a dictionary of 64 MiB took %d bytes", got)
	}
	zeros := compress(t, encoder.WriterConfig{DictCap: 1 << 20}, make([]byte, 32<<20))
	if got := allocated(func() { drain(t, zeros) }); got > 8<<20 {
		t.Errorf("32 MiB with a dictionary of 1 MiB took %d bytes", got)
	}
}

func drain(t *testing.T, data []byte) {
	z, err := xz.NewReader(bytes.NewReader(data), xz.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, z); err != nil {
		t.Error(err)
	}
}

// block is a file of one block, its header made of these bytes, without data.
func block(header ...byte) []byte {
	b := []byte("\xfd7zXZ\x00\x00\x00\xff\x12\xd9\x41")
	header = append([]byte{0}, header...)
	for len(header)%4 != 0 {
		header = append(header, 0)
	}
	header[0] = byte(len(header) / 4)
	b = append(b, header...)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}

func TestHeaders(t *testing.T) {
	for _, row := range []struct {
		header []byte
		want   string
	}{
		{[]byte{0x04, 0x21, 1, 8}, "it is not supported: its header has the flags 0x04"},
		{[]byte{0x00, 0x21, 1, 41}, "it is not supported: its filter LZMA2 has the properties 0x29"},
		{[]byte{0x00, 0x21, 1, 0x48}, "it is not supported: its filter LZMA2 has the properties 0x48"},
		{[]byte{0x00, 0x21, 0}, "it is not supported: its filter LZMA2 has the properties"},
		{[]byte{0x00, 0x21, 1, 40}, "its dictionary has 4294967295 bytes, the limit is 67108864"},
		{[]byte{0x00, 0x21, 1, 29}, "its dictionary has 100663296 bytes, the limit is 67108864"},
		{[]byte{0x01, 0x03, 2, 1, 1, 0x21, 1, 8}, "it is not supported: its filter delta has the properties 0x0101"},
		{[]byte{0x01, 0x04, 1, 1, 0x21, 1, 8}, "it is not supported: its filter 0x4 has the properties 0x01"},
		{[]byte{0x01, 0x07, 4, 2, 0, 0, 0, 0x21, 1, 8}, "it is not supported: its filter 0x7 starts at 2, not at a multiple of 4"},
		{[]byte{0x01, 0x06, 4, 8, 0, 0, 0, 0x21, 1, 8}, "it is not supported: its filter 0x6 starts at 8, not at a multiple of 16"},
		{[]byte{0x01, 0x0b, 0, 0x21, 1, 8}, "it is not supported: its filter 0xb is unknown"},
		{[]byte{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}, "it is corrupt: its header has the filter 0x7fffffffffffffff, which is reserved"},
		{[]byte{0x00, 0x21, 9, 8}, "it is corrupt: its header ends within a filter"},
		{[]byte{0x00, 0x21, 1, 8}, "the file ends in its data: unexpected EOF"},
	} {
		_, err := readAll(bytes.NewReader(block(row.header...)), xz.Limits{})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%x: got the error %v, want one with %q", row.header, err, row.want)
		}
	}
}

// TestReadError wants the error of the reader below to come through.
func TestReadError(t *testing.T) {
	_, data := several(t)
	broken := errors.New("the cable is out")
	for n := range data {
		_, err := readAll(io.MultiReader(bytes.NewReader(data[:n]), failing{broken}), xz.Limits{})
		if !errors.Is(err, broken) {
			t.Fatalf("after %d bytes: got the error %v", n, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func needReal(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs the real xz: set KILN_TEST=real")
	}
}
