package xz

import (
	"hash/crc64"
	"testing"
)

// BenchmarkCRC64 compares with the standard library.
func BenchmarkCRC64(b *testing.B) {
	data := make([]byte, 256<<10)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			new(crc64Hash).Write(data)
		}
	})
	b.Run("std", func(b *testing.B) {
		t := crc64.MakeTable(crc64.ECMA)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			crc64.Checksum(data, t)
		}
	})
}
