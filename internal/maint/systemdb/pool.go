package systemdb

import (
	"bytes"
	"slices"
)

// pool holds the texts of a database: each is followed by a zero byte, and one
// that another ends in is not kept again. Which of several others it is then a
// part of, is settled by the order in which they came (systemd's strbuf).
type pool struct {
	buf   []byte
	nodes []poolNode
}

// poolNode is a string in a tree that is searched from a string's last byte on:
// the first that came with the bytes on the way to it.
type poolNode struct {
	end, size int32
	next      byte        // of the string, before those on the way to it; the most comparisons end there
	children  []poolChild // sorted by byte
}

type poolChild struct {
	by   byte
	node int32
}

// newPool returns a pool with the empty string, at 0, and room for texts of about
// size bytes.
func newPool(size int) *pool {
	const bytesPerText = 32
	return &pool{buf: make([]byte, 1, size+1), nodes: make([]poolNode, 1, size/bytesPerText+1)}
}

// at returns what stands at an offset, without its zero byte.
func (p *pool) at(offset int) []byte {
	b := p.buf[offset:]
	return b[:bytes.IndexByte(b, 0)]
}

// add returns the offset of s, which has no zero byte, and adds it if it is not
// there yet.
func (p *pool) add(s []byte) int {
	n := int32(0)
	for depth := 0; ; depth++ {
		x := &p.nodes[n]
		begin := int(x.end) - len(s)
		if depth == len(s) {
			return begin
		}
		by := s[len(s)-1-depth]
		if by == x.next && int(x.size) >= len(s) && bytes.Equal(p.buf[begin:x.end], s) {
			return begin
		}
		i, found := x.find(by)
		if found {
			n = x.children[i].node
			continue
		}
		x.children = slices.Insert(x.children, i, poolChild{by, int32(len(p.nodes))})
		offset := len(p.buf)
		p.buf = append(append(p.buf, s...), 0)
		added := poolNode{end: int32(offset + len(s)), size: int32(len(s))}
		if depth+1 < len(s) {
			added.next = s[len(s)-2-depth]
		}
		p.nodes = append(p.nodes, added)
		return offset
	}
}

func (x *poolNode) find(by byte) (int, bool) {
	low, high := 0, len(x.children)
	for low < high {
		middle := (low + high) / 2
		if x.children[middle].by < by {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(x.children) && x.children[low].by == by
}
