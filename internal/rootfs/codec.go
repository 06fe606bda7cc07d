package rootfs

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/linkage"
	"kiln/internal/tree"
)

// The form of an index in the store: numbers as varints, strings after their
// length, digests as 32 bytes, in the order of the structs. unpackFormat is part
// of the action key and changes with it.

type encoder struct{ b []byte }

func (e *encoder) num(n int64) { e.b = binary.AppendVarint(e.b, n) }

func (e *encoder) str(s string) {
	e.num(int64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) digest(d kiln.Digest) {
	raw, err := hex.DecodeString(d.Hex())
	if err != nil || len(raw) != sha256.Size {
		panic("bug: not a digest: " + string(d))
	}
	e.b = append(e.b, raw...)
}

func (ix *index) encode() []byte {
	e := &encoder{}
	e.digest(ix.Content)
	e.str(ix.Control)
	e.num(int64(len(ix.Conffiles)))
	for _, c := range ix.Conffiles {
		e.str(c.Path)
		e.flag(c.RemoveOnUpgrade)
	}
	e.num(int64(len(ix.Files)))
	for _, f := range ix.Files {
		e.str(f.Name)
		e.num(int64(f.Mode))
		e.num(f.Size)
		e.num(f.Offset)
		e.digest(f.Digest)
	}
	e.num(int64(ix.Newest))
	e.num(int64(ix.BuiltAt))
	e.num(int64(len(ix.Entries)))
	for i := range ix.Entries {
		e.entry(&ix.Entries[i])
	}
	return e.b
}

func (e *encoder) flag(b bool) {
	if b {
		e.num(1)
	} else {
		e.num(0)
	}
}

func (e *encoder) entry(p *packed) {
	e.str(p.Path)
	e.b = append(e.b, byte(p.Type))
	e.num(int64(p.Mode))
	e.num(int64(p.UID))
	e.num(int64(p.GID))
	e.num(int64(p.ModTime))
	e.num(int64(len(p.Xattrs)))
	for _, name := range slices.Sorted(maps.Keys(p.Xattrs)) {
		e.str(name)
		e.str(p.Xattrs[name])
	}
	if p.Type == tree.File || p.Type == tree.Symlink {
		e.str(p.Link)
	}
	if p.Type == tree.File {
		e.flag(p.Hard)
		e.num(p.Size)
		e.digest(p.Content)
		e.num(p.Offset)
		e.b = append(e.b, p.MD5[:]...)
		e.linkage(p.Linkage)
	}
}

func (e *encoder) linkage(f *linkage.File) {
	e.flag(f != nil)
	if f == nil {
		return
	}
	e.num(int64(f.Machine))
	e.num(int64(f.Class))
	e.num(int64(f.Type))
	e.flag(f.Dynamic)
	e.str(f.Interpreter)
	e.str(f.Soname)
	e.list(f.Needed)
	e.str(f.RunPath)
	e.flag(f.Inherited)
}

// decoder reads what encoder wrote. After the first error all is zero.
type decoder struct {
	b   []byte
	err error
}

var errIndex = errors.New("the index of the package is damaged")

func decodeIndex(b []byte) (*index, error) {
	d := &decoder{b: b}
	ix := &index{Content: d.digest(), Control: d.str()}
	for range d.count() {
		ix.Conffiles = append(ix.Conffiles, deb.Conffile{Path: d.str(), RemoveOnUpgrade: d.num() != 0})
	}
	for range d.count() {
		ix.Files = append(ix.Files, controlFile{Name: d.str(), Mode: uint32(d.num()), Size: d.num(), Offset: d.num(), Digest: d.digest()})
	}
	ix.Newest = kiln.Epoch(d.num())
	ix.BuiltAt = kiln.Epoch(d.num())
	n := d.count()
	ix.Entries = make([]packed, 0, n)
	for range n {
		ix.Entries = append(ix.Entries, d.entry())
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = errIndex
	}
	return ix, d.err
}

func (d *decoder) num() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

// count reads the length of a list, each element of which takes a byte or more.
func (d *decoder) count() int {
	n := d.num()
	if n < 0 || n > int64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail()
		return make([]byte, min(n, sha256.Size))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) str() string { return string(d.take(d.count())) }

func (d *decoder) digest() kiln.Digest {
	var sum [sha256.Size]byte
	copy(sum[:], d.take(len(sum)))
	return kiln.DigestOfSum(sum)
}

func (d *decoder) fail() { d.b, d.err = nil, errIndex }

func (d *decoder) entry() packed {
	p := packed{}
	p.Path = d.str()
	p.Type = tree.Type(d.take(1)[0])
	p.Mode = uint32(d.num())
	p.UID = int(d.num())
	p.GID = int(d.num())
	p.ModTime = kiln.Epoch(d.num())
	for range d.count() {
		if p.Xattrs == nil {
			p.Xattrs = map[string]string{}
		}
		name := d.str()
		p.Xattrs[name] = d.str()
	}
	if p.Type == tree.File || p.Type == tree.Symlink {
		p.Link = d.str()
	}
	if p.Type == tree.File {
		p.Hard = d.num() != 0
		p.Size = d.num()
		p.Content = d.digest()
		p.Offset = d.num()
		copy(p.MD5[:], d.take(len(p.MD5)))
		p.Linkage = d.linkage()
	}
	return p
}

func (d *decoder) linkage() *linkage.File {
	if d.num() == 0 {
		return nil
	}
	return &linkage.File{
		Machine: elf.Machine(d.num()), Class: elf.Class(d.num()), Type: elf.Type(d.num()), Dynamic: d.num() != 0,
		Interpreter: d.str(), Soname: d.str(), Needed: d.list(), RunPath: d.str(), Inherited: d.num() != 0,
	}
}
