package xz_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	encoder "github.com/ulikunitz/xz"

	"kiln/internal/xz"
)

// watched is a file that counts how it is read.
type watched struct {
	*bytes.Reader
	reads atomic.Int64
}

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	w.reads.Add(1)
	return w.Reader.ReadAt(p, at)
}

// blocks is a file of 64 blocks of 4 KiB.
func blocks(t *testing.T) (content, data []byte) {
	content = text(64 * 4096)
	return content, compress(t, encoder.WriterConfig{BlockSize: 4096, DictCap: 4096}, content)
}

// TestParallel decodes with many numbers of workers and room for few or many
// blocks: the content is the same.
func TestParallel(t *testing.T) {
	content, data := blocks(t)
	var want []int64
	for _, workers := range []int{-1, 0, 1, 2, 3, 8, 1000} {
		for _, room := range []int64{1, 4096, 8192, 20_000, 0} {
			p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), xz.Limits{Blocks: room}, workers)
			if err != nil {
				t.Fatal(err)
			}
			got, consumed, err := readCounting(p)
			if err == nil && want == nil {
				want = consumed
			}
			if !slices.Equal(consumed, want) {
				t.Errorf("%d workers, %d bytes of blocks: another count of consumed bytes", workers, room)
			}
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d workers, %d bytes of blocks: got %v and %d bytes", workers, room, err, len(got))
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// readCounting reads all, and says what was consumed after each 1,000 bytes.
func readCounting(p *xz.Parallel) (content []byte, consumed []int64, err error) {
	buf := make([]byte, 1000)
	for {
		n, err := io.ReadFull(p, buf)
		content = append(content, buf[:n]...)
		consumed = append(consumed, p.Consumed())
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return content, consumed, nil
		}
		if err != nil {
			return content, consumed, err
		}
	}
}

// TestParallelAhead counts the blocks that are begun while nobody reads: as many
// as Limits.Blocks has room for, and no more.
func TestParallelAhead(t *testing.T) {
	_, data := blocks(t)
	w := &watched{Reader: bytes.NewReader(data)}
	p, err := xz.NewParallel(w, int64(len(data)), xz.Limits{Blocks: 3 * 4096}, 8)
	if err != nil {
		t.Fatal(err)
	}
	layout := w.reads.Load()
	if _, err := io.ReadFull(p, make([]byte, 4096+1)); err != nil { // the second block is out of its slot
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// Each block is one piece of input, read once. Of the four that may have
	// been begun, some may not have come to reading.
	if got := w.reads.Load() - layout; got > 4 {
		t.Errorf("%d reads, want no more than 4", got)
	}
	if _, err := p.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a read behind Close gave %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("a second Close gave %v", err)
	}
}

// TestParallelDamage wants the blocks before a damaged one whole, and its error
// as a Reader gives it.
func TestParallelDamage(t *testing.T) {
	content, data := blocks(t)
	data[len(data)/2] ^= 1
	_, want := readAll(bytes.NewReader(data), xz.Limits{})
	p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), xz.Limits{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := io.ReadAll(p)
	if len(got) == 0 || len(got)%4096 != 0 || !bytes.HasPrefix(content, got) {
		t.Errorf("got %d bytes", len(got))
	}
	if !errors.Is(err, xz.ErrCorrupt) || err.Error() != want.Error() {
		t.Errorf("got the error %v, want %v", err, want)
	}
}
