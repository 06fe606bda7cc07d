// Package verity makes the hash tree of dm-verity over a partition: what lets the
// kernel check each block of a read-only root file system as it is read, from one
// root hash that the kernel's command line names. The format is version 1 of the
// kernel's Documentation/admin-guide/device-mapper/verity.rst, with cryptsetup's
// superblock, as veritysetup writes it: SHA-256, blocks of 4096 bytes, a salt before each block.
package verity

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// BlockSize is the size of data and hash blocks in bytes.
const BlockSize = 4096

// MaxSalt is the largest salt in bytes.
const MaxSalt = 256

const (
	perBlock = BlockSize / sha256.Size // digests in a hash block
	version  = 1                       // of the superblock
	hashType = 1                       // the salt before the block
)

// Options say what a hash tree is made with. Nothing is random.
type Options struct {
	Salt []byte   // MaxSalt bytes at most; may be empty
	UUID [16]byte // of the hash device
}

// Tree is a hash tree.
type Tree struct {
	Root [sha256.Size]byte // the root hash
	hash []byte            // the hash device
}

// Size returns the size of the hash device in bytes: a multiple of BlockSize.
func (t *Tree) Size() int64 { return int64(len(t.hash)) }

// WriteTo writes the hash device: superblock, and hash blocks from the root down.
func (t *Tree) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(t.hash)
	return int64(n), err
}

// New hashes size bytes of data, which must be a positive multiple of BlockSize, on all
// processors. The hash tree, 1/128 of that, is held in memory.
func New(data io.ReaderAt, size int64, o Options) (*Tree, error) {
	if size <= 0 || size%BlockSize != 0 {
		return nil, fmt.Errorf("cannot make a verity tree over %d bytes: want a multiple of %d", size, BlockSize)
	}
	if len(o.Salt) > MaxSalt {
		return nil, fmt.Errorf("cannot make a verity tree: the salt has %d bytes, more than %d", len(o.Salt), MaxSalt)
	}
	blocks := size / BlockSize
	levels, err := levelsOf(data, blocks, o.Salt)
	if err != nil {
		return nil, err
	}
	t := &Tree{hash: superblock(blocks, o)}
	for i := len(levels) - 1; i >= 0; i-- { // the root's first
		t.hash = append(t.hash, levels[i]...)
	}
	if len(levels) > 0 {
		t.Root = sum(sha256.New(), o.Salt, levels[len(levels)-1])
		return t, nil
	}
	only := make([]byte, BlockSize)
	if err := readBlock(data, only, 0); err != nil {
		return nil, err
	}
	t.Root = sum(sha256.New(), o.Salt, only)
	return t, nil
}

// levelsOf returns the hash blocks of each level, that over the data first. There is
// none over a single block.
func levelsOf(data io.ReaderAt, blocks int64, salt []byte) (levels [][]byte, err error) {
	for n := blocks; n > 1; {
		level := make([]byte, (n+perBlock-1)/perBlock*BlockSize)
		if err := hashBlocks(level, data, n, salt); err != nil {
			return nil, err
		}
		levels = append(levels, level)
		n, data = int64(len(level)/BlockSize), memory(level)
	}
	return levels, nil
}

// runBlocks is how many blocks one processor hashes at a time.
const runBlocks = 32 * perBlock

// hashBlocks puts the digests of n blocks of data into level.
func hashBlocks(level []byte, data io.ReaderAt, n int64, salt []byte) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for first := int64(0); first < n; first += runBlocks {
		g.Go(func() error {
			h, block := sha256.New(), make([]byte, BlockSize)
			for i := first; i < min(first+runBlocks, n); i++ {
				if err := readBlock(data, block, i); err != nil {
					return err
				}
				digest := sum(h, salt, block)
				copy(level[i*sha256.Size:], digest[:])
			}
			return nil
		})
	}
	return g.Wait()
}

func sum(h hash.Hash, salt, block []byte) (digest [sha256.Size]byte) {
	h.Reset()
	h.Write(salt)
	h.Write(block)
	h.Sum(digest[:0])
	return digest
}

func readBlock(data io.ReaderAt, block []byte, i int64) error {
	if n, err := data.ReadAt(block, i*BlockSize); n < len(block) {
		return fmt.Errorf("cannot read block %d: %w", i, err)
	}
	return nil
}

// memory is a hash level as the data of the next one.
type memory []byte

func (m memory) ReadAt(b []byte, off int64) (int, error) { return copy(b, m[off:]), nil }

// superblock is cryptsetup's struct verity_sb, filled up to a block.
func superblock(blocks int64, o Options) []byte {
	b := make([]byte, BlockSize)
	copy(b, "verity\x00\x00")
	binary.LittleEndian.PutUint32(b[8:], version)
	binary.LittleEndian.PutUint32(b[12:], hashType)
	copy(b[16:32], o.UUID[:])
	copy(b[32:64], "sha256")
	binary.LittleEndian.PutUint32(b[64:], BlockSize)
	binary.LittleEndian.PutUint32(b[68:], BlockSize)
	binary.LittleEndian.PutUint64(b[72:], uint64(blocks))
	binary.LittleEndian.PutUint16(b[80:], uint16(len(o.Salt)))
	copy(b[88:], o.Salt)
	return b
}
