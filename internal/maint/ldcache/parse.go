package ldcache

import (
	"bytes"
	"encoding/binary"
)

// Parse returns the entries of a cache in the "new" format, in the order of the
// file, which is the one that the dynamic linker goes by; ok is false for anything
// else, and for a cache that is damaged.
func Parse(cache []byte) (entries []Entry, ok bool) {
	if len(cache) < headerSize || !bytes.HasPrefix(cache, []byte(magic)) {
		return nil, false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if cache[28]&3 == bigEndian {
		order = binary.BigEndian
	}
	count := uint64(order.Uint32(cache[20:]))
	if headerSize+count*entrySize > uint64(len(cache)) {
		return nil, false
	}
	for i := range count {
		b := cache[headerSize+i*entrySize:]
		name, named := textAt(cache, order.Uint32(b[4:]))
		path, placed := textAt(cache, order.Uint32(b[8:]))
		if !named || !placed {
			return nil, false
		}
		entries = append(entries, Entry{Name: name, Path: path, Flags: order.Uint32(b)})
	}
	return entries, true
}

// textAt returns the string that begins at an offset, up to its zero byte.
func textAt(b []byte, offset uint32) (string, bool) {
	if uint64(offset) >= uint64(len(b)) {
		return "", false
	}
	end := bytes.IndexByte(b[offset:], 0)
	if end < 0 {
		return "", false
	}
	return string(b[offset:][:end]), true
}
