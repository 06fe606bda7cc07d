package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/klauspost/compress/gzip"

	"kiln"
	"kiln/internal/tree"
)

// Damage is what is wrong with a layer.
type Damage struct {
	Layer     int         // from 0
	CreatedBy string      // what the configuration's history says of the layer
	Digest    kiln.Digest // that its blob is to have
	Missing   bool        // the blob is not there
	Parts     []Part      // that are damaged; none where it cannot be told
	Of        int         // parts that there are
	Err       error
}

// Part is a member of a layer's blob (RFC 1952, section 2.2). kiln makes one of the
// entries of each package.
type Part struct {
	Number int    // from 1
	First  string // path of its first entry that is no directory; empty where that cannot be read
	After  string // path of the last entry before it; empty at the beginning
	Err    error
}

// maxSalvage bounds the blob that is looked into, in bytes.
const maxSalvage = 1 << 30

// memberHead begins each gzip member that kiln writes: no name, no time, and an
// unknown operating system. Between the two halves stands a byte that tells the level.
var memberHead = [2][]byte{[]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), []byte("\xff")}

// salvage tells of the damage of a layer, and applies those of its entries that can
// be read.
func (r *reader) salvage(s source, layer int, b blob, cause error) (Layer, error) {
	d := Damage{Layer: layer, CreatedBy: b.createdBy, Digest: b.digest, Err: cause, Missing: errors.Is(cause, fs.ErrNotExist)}
	l := Layer{Digest: b.digest, DiffID: b.diffID, Size: max(b.size, 0)}
	entries, err := r.salvaged(s, b, &d)
	if err != nil {
		return l, err
	}
	r.o.Damage(d)
	l.Entries = len(entries)
	r.tell(layer, entries)
	for i := range entries { // those that what is damaged does not stand in the way of
		_ = applyLayer(r.img.Tree, entries[i:i+1])
	}
	return l, nil
}

// salvaged reads the members one by one, each by itself.
func (r *reader) salvaged(s source, b blob, d *Damage) ([]tree.Entry, error) {
	f, size, err := s.open(b.name)
	if err != nil || size > maxSalvage {
		return nil, nil // the cause is told
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(&stopping{r.ctx, f}, maxSalvage))
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", b.name, err)
	}
	members := membersOf(data)
	d.Of = len(members)
	var entries []tree.Entry
	for i, m := range members {
		got, err := r.member(m)
		if err != nil {
			p := Part{Number: i + 1, Err: err}
			if len(got) > 0 {
				p.First = tree.Absolute(telling(got).Path)
			}
			if len(entries) > 0 {
				p.After = tree.Absolute(entries[len(entries)-1].Path)
			}
			d.Parts = append(d.Parts, p)
		}
		entries = append(entries, got...)
	}
	return entries, nil
}

// telling is the entry that says best what a part is of: its first one that is no
// directory, since directories may be of several packages.
func telling(entries []tree.Entry) *tree.Entry {
	if i := slices.IndexFunc(entries, func(e tree.Entry) bool { return e.Type != tree.Dir }); i >= 0 {
		return &entries[i]
	}
	return &entries[0]
}

// membersOf cuts a blob where members begin.
func membersOf(data []byte) [][]byte {
	var members [][]byte
	start := 0
	for at := 1; at < len(data); {
		i := bytes.Index(data[at:], memberHead[0])
		if i < 0 {
			break
		}
		at += i
		if bytes.HasPrefix(data[min(at+len(memberHead[0])+1, len(data)):], memberHead[1]) {
			members = append(members, data[start:at])
			start = at
		}
		at++
	}
	return append(members, data[start:])
}

// member reads the entries of one member, as far as it goes.
func (r *reader) member(data []byte) ([]tree.Entry, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain := &bounded{r: z, budget: &r.budget, consumed: func() int64 { return int64(len(data)) }}
	entries, err := r.walk(plain)
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	return entries, err
}

// tell tells of the entries of a layer.
func (r *reader) tell(layer int, entries []tree.Entry) {
	if r.o.Entry == nil {
		return
	}
	for i := range entries {
		r.o.Entry(layer, entries[i])
	}
}
