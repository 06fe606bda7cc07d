package erofs

import (
	"io"
	"runtime"
	"sync"

	"kiln/internal/tree"
)

// Clusters of clusterSize bytes are compressed each by itself, as one zstd frame or LZ4 block: what
// one read needs is decompressed, and no more. These are part of the format.
const (
	clusterBits = 18
	clusterSize = 1 << clusterBits
)

// cluster is a part of a file's content.
type cluster struct {
	first  uint32 // block
	pages  int    // blocks that the content has, where it is not compressed
	blocks int    // that it takes; as many where it is not compressed
}

// piece is a cluster on its way.
type piece struct {
	raw, small []byte // the content, and what it was compressed to
	err        error
	done       chan struct{} // closed when it is compressed
}

// packer reads the content of compressed files and compresses it, on all processors,
// ahead of who writes it. The pieces come in the order of files and content.
type packer struct {
	pieces chan *piece
	end    chan struct{} // closed by stop
	idle   sync.WaitGroup
}

// compressed reports whether the content of n is.
func (f *fileSystem) compressed(n *inode) bool {
	return !f.o.Compression.none() && n.entry.Type == tree.File && n.entry.Size > BlockSize
}

// startPacker begins with the first file.
func (f *fileSystem) startPacker() *packer {
	workers := runtime.GOMAXPROCS(0)
	p := &packer{pieces: make(chan *piece, 2*workers), end: make(chan struct{})}
	work := make(chan *piece)
	p.idle.Go(func() {
		defer close(p.pieces)
		defer close(work)
		for _, n := range f.inodes {
			if f.compressed(n) && !f.known(n) && !f.read(n, p, work) {
				return
			}
		}
	})
	for range workers {
		p.idle.Go(func() {
			encode, err := f.o.Compression.encoder()
			for piece := range work {
				if piece.err = err; err == nil {
					piece.small, piece.err = encode(piece.raw)
				}
				close(piece.done)
			}
		})
	}
	return p
}

// stop ends reading, and waits for it.
func (p *packer) stop() {
	close(p.end)
	for range p.pieces { // whoever waits to hand one over goes on, and sees the end
	}
	p.idle.Wait()
}

// read cuts a file's content into pieces; false where it is to end.
func (f *fileSystem) read(n *inode, p *packer, work chan<- *piece) bool {
	hand := func(x *piece) bool {
		select {
		case p.pieces <- x:
			return true
		case <-p.end:
			return false
		}
	}
	fail := func(err error) bool {
		x := &piece{err: err, done: make(chan struct{})}
		close(x.done)
		hand(x)
		return false
	}
	r, err := f.contents.OpenContent(n.entry.Content)
	if err != nil {
		return fail(err)
	}
	defer r.Close()
	for left := n.entry.Size; left > 0; {
		x := &piece{raw: make([]byte, min(left, clusterSize)), done: make(chan struct{})}
		if _, err := io.ReadFull(r, x.raw); err != nil {
			return fail(err)
		}
		if left -= int64(len(x.raw)); left == 0 {
			if err := ended(r); err != nil {
				return fail(err)
			}
		}
		if !hand(x) {
			return false
		}
		work <- x
	}
	return true
}

// writeClusters writes the content of a file that is compressed where that saves a block.
func (f *fileSystem) writeClusters(n *inode, p *packer) error {
	n.size = n.entry.Size
	first, saved := f.data, false
	for left := n.size; left > 0; {
		x := <-p.pieces
		<-x.done
		if x.err != nil {
			return x.err
		}
		left -= int64(len(x.raw))
		c := cluster{first: uint32(f.data), pages: int(blocks(int64(len(x.raw)))), blocks: int(blocks(int64(len(x.small))))}
		out := make([]byte, min(c.pages, c.blocks)*BlockSize)
		if c.blocks < c.pages {
			copy(out[len(out)-len(x.small):], x.small) // zeros stand before it
			saved = true
		} else {
			c.blocks = c.pages
			copy(out, x.raw)
		}
		if _, err := f.w.WriteAt(out, f.data*BlockSize); err != nil {
			return err
		}
		f.data += int64(c.blocks)
		n.clusters = append(n.clusters, c)
	}
	f.settle(n, first, saved)
	return nil
}

// settle ends the content of a compressed file, which begins in a block.
func (f *fileSystem) settle(n *inode, first int64, saved bool) {
	if f.o.Written != nil {
		p := Place{First: uint32(first)}
		for _, c := range n.clusters {
			p.Blocks = append(p.Blocks, byte(c.blocks))
		}
		f.o.Written(n.entry.Content, p)
	}
	if !saved { // what lies there is the content, block by block
		n.first, n.apart, n.clusters = uint32(first), true, nil
	}
}

// Types of an entry in the map of a compressed file.
const (
	clusterPlain = 0
	clusterHead  = 1
	clusterRest  = 2
	countFlag    = 1 << 11 // in place of a distance: how many blocks the cluster takes
)

// mapHeader is what stands before the map, in bytes: struct z_erofs_map_header, and as much again.
const mapHeader = 16

// mapSize is what the map of a compressed file takes behind a head of so many bytes.
func (n *inode) mapSize(head int64) int64 {
	if n.clusters == nil {
		return 0
	}
	return -head&7 + mapHeader + 8*blocks(n.size)
}
