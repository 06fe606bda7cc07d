package gschema

import (
	"encoding/binary"
	"slices"

	"kiln/internal/maint/glib"
)

// table is one hash table of a GVDB file: items by key, those that have a parent
// being children of the item with the empty key.
type table struct {
	hash  *glib.Table
	items map[string]*item
}

// item is one entry: a value, a table, or, of the empty key, the list of all with
// a parent.
type item struct {
	key    string
	child  bool // of the item with the empty key
	value  *value
	table  *table
	index  uint32
	listed bool // is that list
}

func newTable() *table {
	t := &table{hash: glib.NewTable(), items: map[string]*item{}}
	t.insert(&item{key: "", listed: true})
	return t
}

func (t *table) insert(i *item) {
	t.hash.Insert(i.key)
	t.items[i.key] = i
}

// gvdb writes a file.
type gvdb struct{ data []byte }

const (
	gvdbHeader = 24 // bytes: signature, version, options, pointer to the root
	gvdbItem   = 24 // bytes of one item of a hash table
)

// encode returns a GVDB file with t as its root.
func (t *table) encode() []byte {
	w := &gvdb{data: make([]byte, gvdbHeader)}
	copy(w.data, "GVariant")
	start, end := w.add(t)
	binary.LittleEndian.PutUint32(w.data[16:], start)
	binary.LittleEndian.PutUint32(w.data[20:], end)
	return w.data
}

// allocate appends size zero bytes at a multiple of alignment.
func (w *gvdb) allocate(alignment, size int) (start, end uint32) {
	for len(w.data)%alignment != 0 {
		w.data = append(w.data, 0)
	}
	start = uint32(len(w.data))
	w.data = append(w.data, make([]byte, size)...)
	return start, uint32(len(w.data))
}

// add writes a table and all below it: a word on the bloom filter, which is empty,
// the number of buckets, the first item of each bucket, the items.
func (w *gvdb) add(t *table) (start, end uint32) {
	buckets := t.buckets()
	start, end = w.allocate(4, 8+4*len(buckets)+gvdbItem*len(t.items))
	binary.LittleEndian.PutUint32(w.data[start:], 5<<27)
	binary.LittleEndian.PutUint32(w.data[start+4:], uint32(len(buckets)))
	at := start + 8 + 4*uint32(len(buckets))
	index := uint32(0)
	for _, b := range buckets { // the items know where they will be before any is written
		for _, i := range b {
			i.index = index
			index++
		}
	}
	index = 0
	for n, b := range buckets {
		binary.LittleEndian.PutUint32(w.data[start+8+4*uint32(n):], index)
		for _, i := range b {
			w.addItem(t, i, at)
			at += gvdbItem
			index++
		}
	}
	return start, end
}

// buckets spreads the items; of one bucket, the last of the hash table's order
// comes first.
func (t *table) buckets() [][]*item {
	buckets := make([][]*item, len(t.items))
	for _, key := range t.hash.Order() {
		n := glib.Hash(key) % uint32(len(buckets))
		buckets[n] = slices.Insert(buckets[n], 0, t.items[key])
	}
	return buckets
}

// addItem fills the item at an offset, and writes what it points to.
func (w *gvdb) addItem(t *table, i *item, at uint32) {
	parent, key := ^uint32(0), uint32(len(w.data))
	if i.child {
		parent = t.items[""].index
	}
	w.data = append(w.data, i.key...)
	var kind byte
	var start, end uint32
	switch {
	case i.value != nil:
		kind = 'v'
		b := serialise(value{kind: "v", data: *i.value})
		start, end = w.allocate(8, len(b))
		copy(w.data[start:], b)
	case i.table != nil:
		kind = 'H'
		start, end = w.add(i.table)
	case i.listed:
		if children := t.children(); len(children) > 0 {
			kind = 'L'
			start, end = w.allocate(4, 4*len(children))
			for n, c := range children {
				binary.LittleEndian.PutUint32(w.data[start+4*uint32(n):], c.index)
			}
		}
	}
	entry := w.data[at:]
	binary.LittleEndian.PutUint32(entry, glib.Hash(i.key))
	binary.LittleEndian.PutUint32(entry[4:], parent)
	binary.LittleEndian.PutUint32(entry[8:], key)
	binary.LittleEndian.PutUint16(entry[12:], uint16(len(i.key)))
	entry[14] = kind
	binary.LittleEndian.PutUint32(entry[16:], start)
	binary.LittleEndian.PutUint32(entry[20:], end)
}

// children lists the items with a parent by their key.
func (t *table) children() []*item {
	var keys []string
	for key, i := range t.items { // sorted below
		if i.child {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var all []*item
	for _, key := range keys {
		all = append(all, t.items[key])
	}
	return all
}
