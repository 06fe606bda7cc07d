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
	full  chan task
	empty chan []byte

	mu   sync.Mutex
	err  error // of the other writer
	done chan struct{}
}

// task is a block to write; or something to do when all before it is written.
type task struct {
	block []byte
	do    func() error
}

// newAside begins to write to w.
func newAside(w io.Writer) *aside {
	a := &aside{full: make(chan task, asideBlocks), empty: make(chan []byte, asideBlocks), done: make(chan struct{})}
	for range asideBlocks {
		a.empty <- make([]byte, 0, asideBlock)
	}
	a.block = <-a.empty
	go func() {
		defer close(a.done)
		for t := range a.full {
			a.run(w, t)
		}
	}()
	return a
}

func (a *aside) run(w io.Writer, t task) {
	var err error
	if err = a.problem(); err == nil && t.do != nil {
		err = t.do()
	} else if err == nil {
		_, err = w.Write(t.block)
	}
	a.mu.Lock()
	a.err = err
	a.mu.Unlock()
	if t.do == nil {
		a.empty <- t.block[:0]
	}
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
			a.hand()
		}
	}
	return n, a.problem()
}

// hand hands the block on, and takes another one.
func (a *aside) hand() {
	a.full <- task{block: a.block}
	a.block = <-a.empty
}

// Then does something in the other goroutine when all that was written so far is.
func (a *aside) Then(do func() error) {
	a.hand()
	a.full <- task{do: do}
}

// Close waits until everything is written, and returns the other writer's error.
// Later calls do nothing.
func (a *aside) Close() error {
	if a.block != nil {
		a.full <- task{block: a.block}
		a.block = nil
		close(a.full)
	}
	<-a.done
	return a.problem()
}
