package erofs

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is how the content of files is compressed.
type Compression string

// The compressions.
const (
	None Compression = "none" // also where it is empty
	LZ4  Compression = "lz4"  // larger; read by all kernels that have EROFS, and with the least work
	Zstd Compression = "zstd" // read by Linux 6.10 and later
)

// Compressions lists them by name.
func Compressions() []string { return []string{string(Zstd), string(LZ4), string(None)} }

func (c Compression) check() error {
	if c != "" && !slices.Contains(Compressions(), string(c)) {
		return fmt.Errorf("unknown compression %q: want one of %s", string(c), strings.Join(Compressions(), ", "))
	}
	return nil
}

// none reports whether nothing is compressed.
func (c Compression) none() bool { return c == "" || c == None }

// The numbers of algorithms, and how hard they try. The latter are part of the format.
const (
	algorithmLZ4  = 0
	algorithmZstd = 3

	zstdLevel = zstd.SpeedBetterCompression
	lz4Level  = lz4.Level5
)

func (c Compression) algorithm() byte {
	if c == LZ4 {
		return algorithmLZ4
	}
	return algorithmZstd
}

// config describes the algorithm, behind the superblock: its length, and struct z_erofs_lz4_cfgs or z_erofs_zstd_cfgs.
func (c Compression) config() []byte {
	le := binary.LittleEndian
	if c == LZ4 {
		b := make([]byte, 2+14)
		le.PutUint16(b, 14)
		le.PutUint16(b[2:], 65535) // how far back a match may lie, in bytes
		le.PutUint16(b[4:], clusterSize/BlockSize)
		return b
	}
	return []byte{6, 0, 0, clusterBits - 10, 0, 0, 0, 0}
}

// encoder returns what compresses clusters, for one goroutine. What it returns may be longer than what it was given.
func (c Compression) encoder() (func(raw []byte) ([]byte, error), error) {
	if c == LZ4 {
		hc := &lz4.CompressorHC{Level: lz4Level}
		return func(raw []byte) ([]byte, error) {
			small := make([]byte, lz4.CompressBlockBound(len(raw)))
			n, err := hc.CompressBlock(raw, small)
			return small[:n], err
		}, nil
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(clusterSize),
		zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false))
	return func(raw []byte) ([]byte, error) { return z.EncodeAll(raw, nil), nil }, err
}
