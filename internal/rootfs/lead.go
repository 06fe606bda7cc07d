package rootfs

import "io"

// How far a lead is ahead at most: so many blocks of so many bytes.
const (
	leadBlock  = 256 << 10
	leadBlocks = 4
)

// lead reads another reader ahead, in a goroutine of its own: so that of decoding a
// package and of hashing what is in it, each has a processor. It is used by one
// goroutine, and ends with Close.
type lead struct {
	full  chan ledBlock
	empty chan []byte
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when nothing is read any more

	block []byte // the one that is being handed out
	rest  []byte // of block
	err   error  // what comes behind it
}

// ledBlock is a block, and the error that came behind it.
type ledBlock struct {
	content []byte
	err     error
}

// newLead begins to read r, which is its own until Close.
func newLead(r io.Reader) *lead {
	l := &lead{full: make(chan ledBlock, leadBlocks), empty: make(chan []byte, leadBlocks), stop: make(chan struct{}), done: make(chan struct{})}
	for range leadBlocks {
		l.empty <- make([]byte, leadBlock)
	}
	go l.run(r)
	return l
}

func (l *lead) run(r io.Reader) {
	defer close(l.done)
	for {
		select {
		case <-l.stop:
			return
		case block := <-l.empty:
			n, err := fill(r, block)
			l.full <- ledBlock{block[:n], err} // there is room for all of them
			if err != nil {
				return
			}
		}
	}
}

// fill is io.ReadFull that returns the reader's own error.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = r.Read(b[n:])
		n += more
	}
	return n, err
}

// Read implements io.Reader.
func (l *lead) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		if l.block != nil {
			l.empty <- l.block[:leadBlock]
		}
		next := <-l.full
		l.block, l.rest, l.err = next.content, next.content, next.err
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Close waits until nothing is read any more. It is called once.
func (l *lead) Close() {
	close(l.stop)
	<-l.done
}
