package erofs

import (
	"fmt"
	"io"

	"kiln"
)

// Earlier is a file system that was written before.
type Earlier struct {
	Image io.ReaderAt // verified: what is copied from it is not looked at
	Files map[kiln.Digest]Place
}

// Place is where the content of a compressed file lies in a file system.
type Place struct {
	First  uint32 // block
	Blocks []byte // that each cluster of the content takes: 64 at most
}

// known reports whether the content of n can be copied.
func (f *fileSystem) known(n *inode) bool {
	if f.o.Earlier == nil || !f.compressed(n) {
		return false
	}
	p, ok := f.o.Earlier.Files[n.entry.Content]
	return ok && int64(len(p.Blocks)) == (n.entry.Size+clusterSize-1)/clusterSize
}

// copyClusters writes the content of a file that is known, as writeClusters does.
func (f *fileSystem) copyClusters(n *inode) error {
	n.size = n.entry.Size
	p := f.o.Earlier.Files[n.entry.Content]
	first, saved, left := f.data, false, n.size
	for _, count := range p.Blocks {
		c := cluster{first: uint32(f.data), pages: int(blocks(min(left, clusterSize))), blocks: int(count)}
		if c.blocks == 0 || c.blocks > c.pages {
			return fmt.Errorf("bug: %d blocks hold %d", c.blocks, c.pages)
		}
		saved = saved || c.blocks < c.pages
		n.clusters = append(n.clusters, c)
		f.data += int64(count)
		left -= min(left, clusterSize)
	}
	b := make([]byte, (f.data-first)*BlockSize)
	if k, err := f.o.Earlier.Image.ReadAt(b, int64(p.First)*BlockSize); k < len(b) {
		return fmt.Errorf("cannot read the file system that was written before: %w", err)
	}
	if _, err := f.w.WriteAt(b, first*BlockSize); err != nil {
		return err
	}
	f.settle(n, first, saved)
	return nil
}
