package rootfs

import (
	"io"
	"sync"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// mostHeld bounds how many blobs are held open at a time; others are opened for each file.
const mostHeld = 256

// heldContents is contents that opens each content blob once. Its methods may be called
// from several goroutines.
type heldContents struct {
	*contents
	mu   sync.Mutex
	open map[kiln.Digest]*store.Blob
}

// Hold implements tree.Holder.
func (c *contents) Hold() (tree.Contents, func()) {
	h := &heldContents{contents: c, open: map[kiln.Digest]*store.Blob{}}
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
	if b := h.open[d]; b != nil || h.open == nil || len(h.open) >= mostHeld {
		return b, nil
	}
	b, err := h.store.OpenAt(d)
	if err == nil {
		h.open[d] = b
	}
	return b, err
}
