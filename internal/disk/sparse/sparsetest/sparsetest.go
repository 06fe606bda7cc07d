// Package sparsetest makes disks for tests of formats.
package sparsetest

import (
	"bytes"
	"math/rand/v2"

	"kiln/internal/disk/sparse"
)

// Disk is a disk of size bytes, at least 4 MiB, with what compresses and what does not, at odd places, at the beginning and at the end. It
// is the same each time.
func Disk(size int64) *sparse.Image {
	r := rand.New(rand.NewPCG(uint64(size), 1))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	var extents []sparse.Extent
	add := func(off int64, b []byte) {
		extents = append(extents, sparse.Extent{Offset: off, Size: int64(len(b)), Data: bytes.NewReader(b)})
	}
	add(0, noise(512))
	add(70_000, bytes.Repeat([]byte("the same words again "), 30_000))
	add(1<<20, noise(300_000))
	add(1<<20+400_000, bytes.Repeat(append(noise(900), make([]byte, 3000)...), 200))
	add(size*3/4+12_345, noise(1))
	add(size-512, noise(512))
	m, err := sparse.New(size, extents...)
	if err != nil {
		panic(err)
	}
	return m
}
