package tree

import "io"

// Sequential is Contents that can be read in less time by one goroutine that reads
// one content after the other, such as those of a member in order.
type Sequential interface {
	Contents
	// Sequence returns the same contents for that goroutine: each is closed before the next
	// one is opened.
	Sequence() Sequence
}

// Sequence is Contents that one goroutine reads one after the other, until Close.
type Sequence interface {
	Contents
	io.Closer
}

// InSequence returns c to be read in that way, which need not take less time.
func InSequence(c Contents) Sequence {
	if s, ok := c.(Sequential); ok {
		return s.Sequence()
	}
	return plainSequence{c}
}

type plainSequence struct{ Contents }

// Close implements io.Closer.
func (plainSequence) Close() error { return nil }
