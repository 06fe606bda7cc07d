package durable

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Bulk writes much to a Temp, past the page cache where the system can: what is written once and
// not read soon need not be copied there first, which takes as long as making it. It is
// used by one goroutine, and ends with Close.
type Bulk struct {
	temp   *Temp
	block  []byte // being filled; begins at a page
	used   int    // bytes of block
	disk   int64  // bytes written, a multiple of bulkPage
	direct bool   // past the page cache
}

// bulkBlock is how much is gathered before the disk is asked, and bulkPage what disks
// take at least, in bytes.
const (
	bulkBlock = 1 << 20
	bulkPage  = 4096
)

// NewBulk begins to write to t, to which nothing was written yet.
func NewBulk(t *Temp) (*Bulk, error) {
	block, err := unix.Mmap(-1, 0, bulkBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return &Bulk{temp: t, block: block, direct: t.Direct(true)}, nil
}

// Write appends p.
func (b *Bulk) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		copied := copy(b.block[b.used:], p)
		b.used += copied
		p = p[copied:]
		if b.used == len(b.block) {
			if err := b.full(); err != nil {
				return n - len(p), err
			}
		}
	}
	return n, nil
}

// full writes a full block.
func (b *Bulk) full() error {
	n, err := b.temp.Write(b.block)
	if b.direct && errors.Is(err, unix.EINVAL) { // a file system that does not, or a part was written
		b.direct = b.temp.Direct(false)
		_, err = b.temp.Write(b.block[n:])
	}
	if err != nil {
		return err
	}
	b.disk += int64(b.used)
	b.used = 0
	if !b.direct {
		b.temp.Begin()
	}
	return nil
}

// Truncate drops what was written after the first n bytes; writing goes on from there.
func (b *Bulk) Truncate(n int64) error {
	if n >= b.disk {
		b.used = int(n - b.disk)
		return nil
	}
	page := n - n%bulkPage
	_, err := b.temp.ReadAt(b.block[:bulkPage], page)
	if err == nil {
		err = b.temp.Truncate(page)
	}
	b.disk, b.used = page, int(n-page)
	return err
}

// Finish writes what is left; nothing may be written afterwards.
func (b *Bulk) Finish() error {
	b.temp.Direct(false) // what is left fills no page
	_, err := b.temp.Write(b.block[:b.used])
	return err
}

// Close gives back the memory. What Finish did not write is lost.
func (b *Bulk) Close() {
	if b.block != nil {
		_ = unix.Munmap(b.block) // anonymous memory
		b.block = nil
	}
}

// WriteBulk is WriteFile of much that is not read soon.
func WriteBulk(path string, mode os.FileMode, write func(io.Writer) error) error {
	return (*Disk)(nil).WriteBulk(path, mode, write)
}

// WriteBulk is the function of that name, on this disk.
func (d *Disk) WriteBulk(path string, mode os.FileMode, write func(io.Writer) error) error {
	return d.save(path, mode, func(t *Temp) error {
		b, err := NewBulk(t)
		if err != nil {
			return err
		}
		defer b.Close()
		if err := write(b); err != nil {
			return err
		}
		return b.Finish()
	})
}
