package xz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	oracle "github.com/therootcompany/xz"
	encoder "github.com/ulikunitz/xz"

	"kiln/internal/xz"
)

// fuzzLimit keeps a bomb from taking a fuzzer's time, in bytes.
const fuzzLimit = 4 << 20

func readSome(r io.Reader, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, fuzzLimit))
}

// FuzzReader compares with another decoder, and the parallel way with the serial
// one: the same files are accepted, with the same content.
func FuzzReader(f *testing.F) {
	for _, pattern := range []string{"testdata/xz-utils/*.xz", "testdata/branches/*.xz"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	_, data := several(f)
	f.Add(data)
	f.Add(compress(f, encoder.WriterConfig{NoCheckSum: true, DictCap: 4096}, text(9000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		z, err := xz.NewReader(bytes.NewReader(data), xz.Limits{Dictionary: 1 << 20, Blocks: 1 << 20})
		got, err := readSome(z, err)
		compareParallel(t, data, got, err)
		compareOracle(t, data, got, err)
	})
}

// FuzzData puts LZMA2 data of any kind, behind a filter, into a file without a
// check in which all else is right, so that the decoder itself is reached.
func FuzzData(f *testing.F) {
	files, err := filepath.Glob("testdata/xz-utils/*-1-lzma2-*.xz")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), data[24:]) // behind two headers of 12 bytes
	}
	for i := range 9 {
		data := compress(f, encoder.WriterConfig{NoCheckSum: true, DictCap: 4096}, program(3000+i))
		f.Add(byte(i), data[24:])
	}
	f.Fuzz(func(t *testing.T, filter byte, lzma2 []byte) {
		data := wrap(filter, lzma2)
		z, err := xz.NewReader(bytes.NewReader(data), xz.Limits{Blocks: 1 << 20})
		got, err := readSome(z, err)
		compareParallel(t, data, got, err)
		compareOracle(t, data, got, err)
	})
}

// wrap makes a file of LZMA2 data. Its sizes are those that the chunks claim.
func wrap(filter byte, lzma2 []byte) []byte {
	size, length := 0, 0
	for length < len(lzma2) && lzma2[length] != 0 {
		head := append(bytes.Clone(lzma2[length:]), make([]byte, 5)...)
		packed := 6 + int(head[3])<<8 + int(head[4])
		claimed := int(head[0]&0x1f)<<16 + int(head[1])<<8 + int(head[2]) + 1
		switch {
		case head[0] >= 0xc0:
			packed++
		case head[0] < 0x80:
			claimed = int(head[1])<<8 + int(head[2]) + 1
			packed = 3 + claimed
		}
		size += claimed
		length += packed
	}
	lzma2 = append(append(bytes.Clone(lzma2[:min(length, len(lzma2))]), make([]byte, max(0, length-len(lzma2)))...), 0)
	header := []byte{0, 0x21, 1, 0}
	switch id := 2 + filter%8; id {
	case 2:
	case 3:
		header = []byte{1, 3, 1, filter / 8, 0x21, 1, 0}
	default:
		header = []byte{1, id, 0, 0x21, 1, 0}
	}
	b := block(header...)
	b = append(b, lzma2...)
	unpadded := len(b) - 12
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	index := binary.AppendUvarint([]byte{0, 1}, uint64(unpadded))
	index = binary.AppendUvarint(index, uint64(size))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	foot := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	foot = append(foot, 0, 0)
	b = append(b, index...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(foot))
	return append(append(b, foot...), 'Y', 'Z')
}

// TestWrap wants good data to be good in a file of ours.
func TestWrap(t *testing.T) {
	want := text(9000)
	data := compress(t, encoder.WriterConfig{NoCheckSum: true, DictCap: 4096}, want)
	got, err := readAll(bytes.NewReader(wrap(0, data[24:])), xz.Limits{})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %v and %d bytes", err, len(got))
	}
}

// TestRangeCoder changes the byte that the range coder's data begins with, and
// one at its end that has no effect on the content. XZ Utils refuse both.
func TestRangeCoder(t *testing.T) {
	data := compress(t, encoder.WriterConfig{NoCheckSum: true, DictCap: 4096}, text(900))[24:]
	for _, row := range []struct {
		at   int
		want string
	}{
		{6, "a chunk's LZMA data begins wrongly"},
		{5 + int(data[3])<<8 + int(data[4]) + 1, "a chunk has more bytes than its content needs"},
	} {
		data[row.at] ^= 1
		_, err := readAll(bytes.NewReader(wrap(0, data)), xz.Limits{})
		if !errors.Is(err, xz.ErrCorrupt) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("byte %d: got the error %v, want one with %q", row.at, err, row.want)
		}
		data[row.at] ^= 1
	}
}

func compareParallel(t *testing.T, data, want []byte, wantErr error) {
	p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), xz.Limits{Dictionary: 1 << 20, Blocks: 1 << 20}, 2)
	if err == nil {
		defer p.Close()
	}
	got, err := readSome(p, err)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("parallel: %v, serial: %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) {
		t.Fatalf("parallel: %d bytes, serial: %d", len(got), len(want))
	}
}

// compareOracle passes over what only one of the two can do. Ours is stricter
// where XZ Utils are: they refuse LZMA data that does not begin with a zero or
// does not end as the range coder must.
func compareOracle(t *testing.T, data, got []byte, gotErr error) {
	z, err := oracle.NewReader(bytes.NewReader(data), 1<<20)
	want, err := readSome(z, err)
	switch {
	case errors.Is(err, oracle.ErrUnsupportedCheck), errors.Is(err, oracle.ErrOptions), errors.Is(err, oracle.ErrMemlimit):
	case gotErr != nil && strings.Contains(gotErr.Error(), "LZMA data begins wrongly"):
	case gotErr != nil && strings.Contains(gotErr.Error(), "more bytes than its content needs"):
	case (err == nil) != (gotErr == nil):
		t.Fatalf("ours: %v, the other: %v", gotErr, err)
	case err == nil && !bytes.Equal(got, want):
		t.Fatalf("ours: %d bytes, the other: %d", len(got), len(want))
	}
}
