package systemdb

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// hwdb is a trie of match strings, each with its properties.
type hwdb struct {
	pool *pool
	root *hwNode
	keys map[string]int // offsets of property names, of which there are few

	block []hwNode // see node
}

// hwNode has the bytes that all below it have in common after those on the way
// to it.
type hwNode struct {
	prefix   int       // where they stand in the pool
	size     int       // how many they are
	children []hwChild // sorted by byte
	values   []hwValue // sorted by key
}

type hwChild struct {
	by   byte
	node *hwNode
	at   uint64 // its offset in the file, once written
}

// hwValue is a property; key, value and file are offsets in the pool.
type hwValue struct {
	key, value, file int
	line             uint32
	priority         uint16
}

// WriteHwdb compiles hardware descriptions into hwdb.bin. sources come in the
// order of their names, a later one wins; tool is the version of systemd. Lines that are
// neither a match nor a property of one are passed over, as systemd-hwdb does.
func WriteHwdb(sources []Source, tool uint64) []byte {
	size := 0
	for _, s := range sources {
		size += len(s.Text)
	}
	h := &hwdb{pool: newPool(size / 2), root: &hwNode{}, keys: map[string]int{}}
	for i, s := range sources {
		f := hwFile{db: h, path: []byte(s.Path), priority: uint16(i + 1)}
		f.read(s.Text)
	}
	return h.write(tool)
}

// hwFile is a source being read.
type hwFile struct {
	db       *hwdb
	path     []byte
	pathAt   int // its offset in the pool; 0 before it is there
	priority uint16
	number   uint32
	matches  [][]byte // of the record, until a line that is empty
	inData   bool     // a property of the record has come
}

func (f *hwFile) read(text []byte) {
	for line := range lines(text) {
		f.number++
		if line[0] == '#' {
			continue
		}
		line, _, _ = bytes.Cut(line, []byte("#"))
		f.line(bytes.TrimRightFunc(line, space))
	}
}

// space is isspace(3) in the C locale.
func space(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

func (f *hwFile) line(line []byte) {
	switch {
	case len(line) == 0:
		f.matches, f.inData = nil, false
	case line[0] == ' ' && len(f.matches) > 0:
		f.inData = true
		f.property(line)
	case line[0] == ' ':
	case f.inData: // a match without an empty line before it: the line is lost, and the record ends
		f.matches, f.inData = nil, false
	default:
		f.matches = append(f.matches, line)
	}
}

func (f *hwFile) property(line []byte) {
	key, value, ok := bytes.Cut(line, []byte("="))
	if !ok {
		return
	}
	for len(key) > 1 && blank(key[0]) && blank(key[1]) {
		key = key[1:]
	}
	if len(key) < 2 {
		return
	}
	p := property{name: key, value: value, valueAt: -1}
	for _, m := range f.matches {
		f.insert(m, &p)
	}
}

// property is a line of a record. A text's offset in the pool stays what it was
// when it first came, and is looked up once.
type property struct {
	name, value []byte
	valueAt     int // -1 before it is in the pool
}

func blank(b byte) bool { return b == ' ' || b == '\t' }

// insert finds or makes the node of a match string.
func (f *hwFile) insert(match []byte, with *property) {
	pool, n := f.db.pool, f.db.root
	for {
		prefix := pool.buf[n.prefix : n.prefix+n.size]
		p := common(prefix, match)
		if p < len(prefix) {
			f.db.split(n, prefix, p)
		}
		match = match[p:]
		if len(match) == 0 {
			f.set(n, with)
			return
		}
		i, found := n.find(match[0])
		if !found {
			child := f.db.node(hwNode{prefix: pool.add(match[1:]), size: len(match) - 1})
			n.children = slices.Insert(n.children, i, hwChild{by: match[0], node: child})
			f.set(child, with)
			return
		}
		n, match = n.children[i].node, match[1:]
	}
}

// common is how many bytes a and b have in common.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// split leaves n the first p bytes of its prefix, and gives all that it has to a
// child.
func (h *hwdb) split(n *hwNode, prefix []byte, p int) {
	by := prefix[p]
	child := h.node(hwNode{prefix: n.prefix + p + 1, size: n.size - p - 1, children: n.children, values: n.values})
	*n = hwNode{prefix: h.pool.add(prefix[:p]), size: p, children: []hwChild{{by: by, node: child}}}
}

// node returns a new node. There are some hundred thousand: they are made by the block.
func (h *hwdb) node(n hwNode) *hwNode {
	if len(h.block) == 0 {
		h.block = make([]hwNode, 1024)
	}
	made := &h.block[0]
	h.block = h.block[1:]
	*made = n
	return made
}

func (n *hwNode) find(by byte) (int, bool) {
	return slices.BinarySearchFunc(n.children, by, func(c hwChild, by byte) int { return int(c.by) - int(by) })
}

// set gives a node a property; one that it has is replaced.
func (f *hwFile) set(n *hwNode, with *property) {
	pool := f.db.pool
	key, ok := f.db.keys[string(with.name)]
	if !ok {
		key = pool.add(with.name)
		f.db.keys[string(with.name)] = key
	}
	if with.valueAt < 0 {
		with.valueAt = pool.add(with.value)
	}
	if f.pathAt == 0 {
		f.pathAt = pool.add(f.path)
	}
	v := hwValue{key: key, value: with.valueAt, file: f.pathAt, line: f.number, priority: f.priority}
	i, found := slices.BinarySearchFunc(n.values, with.name, func(x hwValue, name []byte) int { return bytes.Compare(pool.at(x.key), name) })
	if found {
		n.values[i] = v
		return
	}
	n.values = slices.Insert(n.values, i, v)
}

// Sizes of the records of hwdb.bin, in bytes.
const (
	hwHeaderSize = 80
	hwNodeSize   = 24
	hwChildSize  = 16
	hwValueSize  = 32
)

// write lays the trie out: a header, the nodes, each after those below it, and
// the pool.
func (h *hwdb) write(tool uint64) []byte {
	nodes := h.root.written()
	w := hwWriter{strings: uint64(hwHeaderSize + nodes)}
	w.out = make([]byte, hwHeaderSize, hwHeaderSize+nodes+len(h.pool.buf))
	root := w.node(h.root)
	head := append([]byte(nil), "KSLPHHRH"...)
	for _, v := range []uint64{
		tool, uint64(hwHeaderSize + nodes + len(h.pool.buf)), hwHeaderSize, hwNodeSize, hwChildSize, hwValueSize,
		root, uint64(nodes), uint64(len(h.pool.buf)),
	} {
		head = binary.LittleEndian.AppendUint64(head, v)
	}
	copy(w.out, head)
	return append(w.out, h.pool.buf...)
}

func (n *hwNode) written() int {
	size := hwNodeSize + hwChildSize*len(n.children) + hwValueSize*len(n.values)
	for _, c := range n.children {
		size += c.node.written()
	}
	return size
}

type hwWriter struct {
	out     []byte
	strings uint64 // offset of the pool in the file
}

func (w *hwWriter) put(v uint64) { w.out = binary.LittleEndian.AppendUint64(w.out, v) }

// node writes n after its children, and returns its offset.
func (w *hwWriter) node(n *hwNode) uint64 {
	for i := range n.children {
		n.children[i].at = w.node(n.children[i].node)
	}
	offset := uint64(len(w.out))
	w.put(w.strings + uint64(n.prefix))
	w.put(uint64(len(n.children)))
	w.put(uint64(len(n.values)))
	for _, c := range n.children {
		w.put(uint64(c.by))
		w.put(c.at)
	}
	for _, v := range n.values {
		w.put(w.strings + uint64(v.key))
		w.put(w.strings + uint64(v.value))
		w.put(w.strings + uint64(v.file))
		w.put(uint64(v.line) | uint64(v.priority)<<32)
	}
	return offset
}
