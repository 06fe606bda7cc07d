package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// sequenceWindow is how much of a blob a sequence reads at a time, in bytes. What is
// larger is read by itself.
const sequenceWindow = 64 << 10

// sequence is contents for one goroutine that reads one after the other. A package's files
// stand in one blob, most of them small and in the order of their paths: that is
// opened once, and read in pieces that hold many of them.
type sequence struct {
	contents *contents
	blob     *store.Blob // the last one; nil before the first
	name     kiln.Digest // of blob
	window   []byte      // of blob
	at       int64       // where in blob it begins
	sum      kiln.Digester
}

// Sequence implements tree.Sequential.
func (c *contents) Sequence() tree.Sequence {
	return &sequence{contents: c, window: make([]byte, 0, sequenceWindow), sum: kiln.NewDigester()}
}

// OpenContent implements tree.Contents. What is small is verified before it is handed out.
func (s *sequence) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	p, ok := s.contents.pieces[d]
	if !ok {
		return s.contents.OpenContent(d)
	}
	if err := s.turn(p.blob); err != nil {
		return nil, err
	}
	if p.size > sequenceWindow {
		return s.contents.readPiece(d, p, s.blob, io.NopCloser(nil)), nil
	}
	content, err := s.read(p)
	if err != nil {
		return nil, err
	}
	s.sum.Reset()
	s.sum.Write(content)
	if got := s.sum.Digest(); got != d {
		return nil, s.contents.store.Damaged(p.blob, wrongPiece(d, got))
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// turn opens the blob, unless it is open.
func (s *sequence) turn(blob kiln.Digest) error {
	if s.blob != nil && s.name == blob {
		return nil
	}
	if err := s.Close(); err != nil {
		return err
	}
	b, err := s.contents.store.OpenAt(blob)
	if err != nil {
		return err
	}
	s.blob, s.name, s.window = b, blob, s.window[:0]
	return nil
}

// read returns the piece, which is valid until the next call: out of the window, or of another
// one that begins with it.
func (s *sequence) read(p piece) ([]byte, error) {
	if p.offset < s.at || p.offset+p.size > s.at+int64(len(s.window)) {
		n, err := s.blob.ReadAt(s.window[:cap(s.window)], p.offset)
		s.window, s.at = s.window[:n], p.offset
		switch left := p.size - int64(n); {
		case left <= 0:
		case errors.Is(err, io.EOF):
			return nil, s.contents.store.Damaged(p.blob, cutPiece(left))
		default:
			return nil, err
		}
	}
	from := p.offset - s.at
	return s.window[from : from+p.size], nil
}

// Close implements io.Closer.
func (s *sequence) Close() error {
	if s.blob == nil {
		return nil
	}
	b := s.blob
	s.blob = nil
	return b.Close()
}

func wrongPiece(want, got kiln.Digest) error {
	return fmt.Errorf("the piece %s has the digest %s", want, got)
}

func cutPiece(left int64) error { return fmt.Errorf("it ends %d bytes too early", left) }
