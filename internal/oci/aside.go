package oci

import (
	"io"
	"sync"
)

const (
	asideBlock  = 256 << 10 // bytes
	asideBlocks = 4
)

// aside hands what is written to it on to another writer, in another goroutine: so
// that of two digests, of the pieces and of the whole, each has a processor of its
// own. It is used by one goroutine, and ends with Close.
type aside struct {
	block []byte // being filled
	full  chan []byte
	empty chan []byte

	mu   sync.Mutex
	err  error // of the other writer
	done chan struct{}
}

// newAside begins to write to w.
func newAside(w io.Writer) *aside {
	a := &aside{full: make(chan []byte, asideBlocks), empty: make(chan []byte, asideBlocks), done: make(chan struct{})}
	for range asideBlocks {
		a.empty <- make([]byte, 0, asideBlock)
	}
	a.block = <-a.empty
	go func() {
		defer close(a.done)
		for b := range a.full {
			if a.problem() == nil {
				_, err := w.Write(b)
				a.mu.Lock()
				a.err = err
				a.mu.Unlock()
			}
			a.empty <- b[:0]
		}
	}()
	return a
}

func (a *aside) problem() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Write implements io.Writer. The other writer's error comes with a later call.
func (a *aside) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		room := min(cap(a.block)-len(a.block), len(b))
		a.block = append(a.block, b[:room]...)
		b = b[room:]
		if len(a.block) == cap(a.block) {
			a.full <- a.block
			a.block = <-a.empty
		}
	}
	return n, a.problem()
}

// Close waits until everything is written, and returns the other writer's error.
// Later calls do nothing.
func (a *aside) Close() error {
	if a.block != nil {
		a.full <- a.block
		a.block = nil
		close(a.full)
	}
	<-a.done
	return a.problem()
}
