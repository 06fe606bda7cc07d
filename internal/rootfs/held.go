package rootfs

import (
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// mostHeld bounds how many blobs are held open at a time, and heldShare how much of what
// the process may have open that is; others are opened for each file.
const (
	mostHeld  = 256
	heldShare = 4 // a fourth
)

// heldAtMost is mostHeld, or less where the limit of open files is low.
func heldAtMost() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return mostHeld // then there is none
	}
	return int(min(limit.Cur/heldShare, mostHeld))
}

// heldContents is contents that opens each content blob once. Its methods may be called
// from several goroutines.
type heldContents struct {
	*contents
	most int
	mu   sync.Mutex
	open map[kiln.Digest]*store.Blob
}

// Hold implements tree.Holder.
func (c *contents) Hold() (tree.Contents, func()) {
	h := &heldContents{contents: c, most: heldAtMost(), open: map[kiln.Digest]*store.Blob{}}
	return h, h.release
}

// Hold implements tree.Holder: what is held already is.
func (h *heldContents) Hold() (tree.Contents, func()) { return h, func() {} }

func (h *heldContents) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.open { // a set
		b.Close()
	}
	h.open = nil
}

// OpenContent implements tree.Contents.
func (h *heldContents) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	p, ok := h.pieces[d]
	if !ok {
		return h.contents.OpenContent(d)
	}
	blob, err := h.blob(p.blob)
	if err != nil {
		return nil, err
	}
	if blob == nil {
		return h.openPiece(d, p)
	}
	return h.readPiece(d, p, blob, io.NopCloser(nil)), nil
}

// blob returns the blob d, held open; nil where enough are.
func (h *heldContents) blob(d kiln.Digest) (*store.Blob, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.open[d]; b != nil || h.open == nil || len(h.open) >= h.most {
		return b, nil
	}
	b, err := h.store.OpenAt(d)
	if err == nil {
		h.open[d] = b
	}
	return b, err
}
