package kmod

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Of the form of the .bin files: a tree over the bytes of keys, big-endian, as
// libkmod/libkmod-index.c describes it. Each node is its prefix, ended by a zero byte;
// the first and the last byte that go on, and for each byte from one to the other the offset
// of the node there, 0 for none; the number of its values, and each with its priority.
// An offset has in its high bits which of these the node has.
const (
	indexMagic   = 0xB007F457
	indexVersion = 0x00020001
	indexHead    = 12 // bytes before the first node

	hasPrefix   = 0x80000000
	hasValues   = 0x40000000
	hasChildren = 0x20000000
	maxOffset   = 0x0FFFFFFF

	maxKeyByte = 127
)

// index is a .bin file being made.
type index struct {
	root *node
	err  error // a key or value that no index can hold
}

type node struct {
	prefix   string
	values   []value
	children []*node // from first to last
	first    byte
	total    int // bytes of the node and all below it
}

type value struct {
	priority uint32
	text     string
}

func newIndex() *index { return &index{root: &node{}} }

// add enters a value. Those of a key are in the order of priorities, and of one priority the last
// one is the first.
func (x *index) add(key, text string, priority int) {
	for _, s := range []string{key, text} {
		for i := range len(s) {
			if s[i] > maxKeyByte && x.err == nil {
				x.err = fmt.Errorf("%q is not ASCII", s)
			}
		}
	}
	n := x.root
	for {
		n, key = n.descend(key)
		if key == "" {
			n.insert(value{uint32(priority), text})
			return
		}
		n, key = n.child(key[0], key[1:]), key[1:]
	}
}

// descend takes the node's prefix off a key; a node whose prefix goes on otherwise
// is split there.
func (n *node) descend(key string) (*node, string) {
	for i := range len(n.prefix) {
		if i == len(key) || n.prefix[i] != key[i] {
			lower := *n
			lower.prefix = n.prefix[i+1:]
			*n = node{prefix: n.prefix[:i], first: n.prefix[i], children: []*node{&lower}}
			return n, key[i:]
		}
	}
	return n, key[len(n.prefix):]
}

// child returns the node at a byte; a new one has what is left of the key as its prefix.
func (n *node) child(at byte, rest string) *node {
	switch {
	case len(n.children) == 0:
		n.first, n.children = at, []*node{nil}
	case at < n.first:
		n.children = append(make([]*node, n.first-at), n.children...)
		n.first = at
	case int(at-n.first) >= len(n.children):
		n.children = append(n.children, make([]*node, int(at-n.first)+1-len(n.children))...)
	}
	c := &n.children[at-n.first]
	if *c == nil {
		*c = &node{prefix: rest}
	}
	return *c
}

func (n *node) insert(v value) {
	at := slices.IndexFunc(n.values, func(old value) bool { return old.priority >= v.priority })
	if at < 0 {
		at = len(n.values)
	}
	n.values = slices.Insert(n.values, at, v)
}

// own is the size of the node alone, in bytes.
func (n *node) own() int {
	size := 0
	if n.prefix != "" {
		size += len(n.prefix) + 1
	}
	if len(n.children) > 0 {
		size += 2 + 4*len(n.children)
	}
	if len(n.values) > 0 {
		size += 4
	}
	for _, v := range n.values {
		size += 4 + len(v.text) + 1
	}
	return size
}

func (n *node) measure() int {
	n.total = n.own()
	for _, c := range n.children {
		if c != nil {
			n.total += c.measure()
		}
	}
	return n.total
}

func (n *node) flags() uint32 {
	var f uint32
	if n.prefix != "" {
		f |= hasPrefix
	}
	if len(n.values) > 0 {
		f |= hasValues
	}
	if len(n.children) > 0 {
		f |= hasChildren
	}
	return f
}

// bytes returns the file.
func (x *index) bytes() ([]byte, error) {
	if x.err != nil {
		return nil, x.err
	}
	if size := x.root.measure(); size > maxOffset {
		return nil, fmt.Errorf("an index of %d bytes is larger than its form allows", size)
	}
	b := binary.BigEndian.AppendUint32(nil, indexMagic)
	b = binary.BigEndian.AppendUint32(b, indexVersion)
	b = binary.BigEndian.AppendUint32(b, indexHead|x.root.flags())
	return x.root.append(b), nil
}

// append writes the node, and then those below it, each with all below itself.
func (n *node) append(b []byte) []byte {
	next := uint32(len(b) + n.own())
	if n.prefix != "" {
		b = append(append(b, n.prefix...), 0)
	}
	if len(n.children) > 0 {
		b = append(b, n.first, n.first+byte(len(n.children)-1))
	}
	for _, c := range n.children {
		if c == nil {
			b = binary.BigEndian.AppendUint32(b, 0)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, next|c.flags())
		next += uint32(c.total)
	}
	if len(n.values) > 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(n.values)))
	}
	for _, v := range n.values {
		b = append(binary.BigEndian.AppendUint32(b, v.priority), v.text...)
		b = append(b, 0)
	}
	for _, c := range n.children {
		if c != nil {
			b = c.append(b)
		}
	}
	return b
}
