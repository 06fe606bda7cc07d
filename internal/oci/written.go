package oci

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// written is what the store remembers of an output that stands at some place: what
// it holds, and what the file system said of its files when they were in place.
// What still is so need not be written again.
type written struct {
	Holds kiln.Digest              `json:"holds"`
	Files map[string]durable.Stamp `json:"files"` // by name below the output; "." for the output itself
}

// outputFormat is the version of the rules that turn parts or a tree into the
// files of an output.
const outputFormat = 1

// lastWritten returns what was written at place last; nothing where that is not known.
func lastWritten(st *store.Store, place string) (w written) {
	key, err := writtenKey(place)
	if err != nil {
		return w
	}
	value, ok := st.Mark(key)
	if !ok || json.Unmarshal(value, &w) != nil {
		return written{}
	}
	return w
}

func writtenKey(place string) (kiln.Digest, error) {
	abs, err := filepath.Abs(place)
	if err != nil {
		return "", err
	}
	return kiln.DigestOf(appendFields(nil, "kiln output", strconv.Itoa(outputFormat), abs)), nil
}

// still reports whether place is as it was left, and holds what is to be there.
func (w written) still(place string, holds kiln.Digest) bool {
	if w.Holds != holds || len(w.Files) == 0 {
		return false
	}
	for name := range w.Files {
		if !w.stillFile(place, name) {
			return false
		}
	}
	return true
}

func (w written) stillFile(place, name string) bool {
	was, known := w.Files[name]
	is, err := durable.StampOf(filepath.Join(place, name))
	return known && err == nil && is == was
}

// link gives the file name of the output at place another name, to, if it still is
// what was written; and reports whether it did.
func (w written) link(place, name, to string) bool {
	if !w.stillFile(place, name) || os.Link(filepath.Join(place, name), to) != nil {
		return false
	}
	// Between the look and the link another file may have come there.
	was := w.Files[name]
	is, err := durable.StampOf(to)
	if err == nil && is.Device == was.Device && is.Inode == was.Inode && is.Mode == was.Mode && is.Size == was.Size && is.Modified == was.Modified {
		return true
	}
	_ = os.Remove(to) // where it stays, writing the file says so
	return false
}

// remember saves what was just written at place, files and folders by their names
// below it. That it cannot be remembered costs the next build time and nothing else.
func remember(st *store.Store, place string, holds kiln.Digest, names []string) {
	key, err := writtenKey(place)
	if err != nil {
		return
	}
	var paths []string
	for _, n := range names {
		paths = append(paths, filepath.Join(place, n))
	}
	stamps, ok := durable.Settled(place, paths)
	if !ok {
		return
	}
	w := written{Holds: holds, Files: map[string]durable.Stamp{}}
	for i, n := range names {
		if !fs.ValidPath(n) {
			return
		}
		w.Files[n] = stamps[paths[i]]
	}
	if value, err := marshal(w); err == nil {
		_ = st.SetMark(key, value)
	}
}

// holding is the digest of what an output of some kind holds.
func holding(kind string, fields ...string) kiln.Digest {
	return kiln.DigestOf(appendFields(appendFields(nil, kind), fields...))
}

// holdingParts is holding of a layout or archive.
func holdingParts(kind string, parts []part, created kiln.Epoch) kiln.Digest {
	fields := []string{strconv.FormatInt(int64(created), 10)}
	for _, p := range parts {
		d := p.blob
		if d == "" {
			d = kiln.DigestOf(p.content)
		}
		fields = append(fields, p.name, string(d))
	}
	return holding(kind, fields...)
}
