package xz

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// Parallel decodes several blocks of a file at a time. Its content and whether
// it has an error are the same as a Reader's.
type Parallel struct {
	serial *Reader          // where there is nothing to do in parallel
	places []place          // of the blocks, where there are several
	begun  int              // blocks that were begun to be read
	queue  chan chan result // one for each block, in order
	slots  chan struct{}    // one for each block that is held
	stop   chan struct{}
	work   sync.WaitGroup
	held   bool // out is of a block that has a slot
	out    []byte
	err    error
}

// result is a block's content, or why there is none.
type result struct {
	content []byte
	err     error
}

var errClosed = errors.New("the xz file is closed")

// NewParallel returns a reader of the file of so many bytes in r which decodes
// up to so many blocks at a time. Blocks are held whole, and Limits.Blocks says how
// much of them; each worker has a dictionary beside that. A file of one block, or of blocks too large for two of them to
// be held, is decoded as by NewReader. The caller closes it.
func NewParallel(r io.ReaderAt, size int64, limits Limits, workers int) (*Parallel, error) {
	limits = limits.withDefaults()
	places, err := readLayout(r, size)
	slots := min(workers, len(places), fitting(places, limits.Blocks))
	if err != nil || slots < 2 {
		z, err := NewReader(io.NewSectionReader(r, 0, size), limits)
		if err != nil {
			return nil, err
		}
		return &Parallel{serial: z, places: places}, nil
	}
	p := &Parallel{
		places: places,
		queue:  make(chan chan result, len(places)),
		slots:  make(chan struct{}, slots),
		stop:   make(chan struct{}),
	}
	p.work.Go(func() { p.dispatch(r, limits) })
	return p, nil
}

// fitting returns how many of the blocks fit into so many bytes, whichever they
// are.
func fitting(places []place, limit int64) int {
	largest := uint64(1)
	for _, p := range places {
		largest = max(largest, p.size)
	}
	return int(min(uint64(limit)/largest, uint64(len(places))))
}

// dispatch begins a block whenever there is a slot for it.
func (p *Parallel) dispatch(r io.ReaderAt, limits Limits) {
	defer close(p.queue)
	for i, at := range p.places {
		select {
		case p.slots <- struct{}{}:
		case <-p.stop:
			return
		}
		done := make(chan result, 1)
		p.queue <- done
		p.work.Go(func() {
			d := newDecoder(io.NewSectionReader(r, at.offset, at.length()), limits)
			defer d.free()
			content, err := p.decode(d, at)
			if err != nil {
				err = fmt.Errorf("cannot decode block %d of the xz file: %w", i+1, err)
			}
			done <- result{content, err}
		})
	}
}

// decode returns the content of a block, which the index described.
func (p *Parallel) decode(d *decoder, at place) ([]byte, error) {
	b, err := d.begin(at.flags)
	if err != nil {
		return nil, err
	}
	var content []byte
	for {
		piece, err := b.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if b.size > at.size {
			return nil, corrupt("it has more content than the %d bytes that the index says", at.size)
		}
		if content == nil {
			content = make([]byte, 0, min(at.size, 8*at.unpadded))
		}
		content = append(content, piece...)
		select {
		case <-p.stop:
			return nil, errClosed
		default:
		}
	}
	if b.record() != at.record {
		return nil, corrupt("the index has other sizes than the blocks")
	}
	return content, nil
}

// Read returns io.EOF only if the whole file was there and all its checks hold.
func (p *Parallel) Read(b []byte) (int, error) {
	if p.serial != nil {
		return p.serial.Read(b)
	}
	if len(b) == 0 {
		return 0, nil
	}
	for len(p.out) == 0 && p.err == nil {
		p.advance()
	}
	if len(p.out) == 0 {
		return 0, p.err
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

// advance waits for the next block, in order.
func (p *Parallel) advance() {
	if p.held {
		p.out, p.held = nil, false
		<-p.slots
	}
	done, more := <-p.queue
	if !more {
		p.err = io.EOF
		return
	}
	r := <-done
	p.out, p.err, p.held = r.content, r.err, true
	p.begun++
}

// Consumed returns how many bytes of the file the content that was read so far
// took. Where the file has several blocks it counts whole ones, however many were
// decoded at a time: what is judged by it comes out the same on every machine.
func (p *Parallel) Consumed() int64 {
	begun := p.begun
	if p.serial != nil {
		begun = p.serial.blocks
	}
	if len(p.places) < 2 && p.serial != nil {
		return p.serial.Consumed()
	}
	if begun == 0 {
		return 0
	}
	last := p.places[begun-1]
	return last.offset + last.length()
}

// Close ends the work and waits for it, so that nobody reads the file any more.
// Reads behind it give an error.
func (p *Parallel) Close() error {
	if p.serial != nil {
		p.serial.out, p.serial.err = nil, errClosed
	} else if p.err != errClosed {
		close(p.stop)
		p.work.Wait()
	}
	p.out, p.err = nil, errClosed
	return nil
}
