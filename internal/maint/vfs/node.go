package vfs

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// node is an inode. A file's content is either sealed, then it is known by its
// digest, or loose, then it is in data and may change.
type node struct {
	ino      uint64
	kind     tree.Type
	mode     uint32
	uid, gid int
	mtime    kiln.Epoch
	names    int // how many directories' entries are this node
	origin   tree.Origin
	xattrs   map[string]string
	kids     map[string]*node // of a directory
	link     string           // of a symbolic link
	major    uint32
	minor    uint32
	loose    bool
	data     []byte      // of a loose file
	content  kiln.Digest // of a sealed file
	size     int64       // of a sealed file
	writes   uint64      // changes of the content so far
	looked   bool        // since Forget, by name, or in a list that tells more than names and kinds
}

// base returns the last component of a clean path.
func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// nodeOf returns a new node as e describes it, e's path and names apart.
func (f *FS) nodeOf(e tree.Entry) *node {
	f.inodes++
	n := &node{
		ino: f.inodes, kind: e.Type, mode: e.Mode, uid: e.UID, gid: e.GID, mtime: e.ModTime, origin: e.Origin,
		xattrs: maps.Clone(e.Xattrs), major: e.Major, minor: e.Minor, content: e.Content, size: e.Size,
	}
	if e.Type == tree.Symlink {
		n.link = e.Link
	}
	if e.Type == tree.Dir {
		n.kids = map[string]*node{}
	}
	return n
}

// entry returns n as an entry, and seals its content.
func (f *FS) entry(path string, n *node) tree.Entry {
	f.seal(n)
	e := tree.Entry{
		Path: path, Type: n.kind, Mode: n.mode, UID: n.uid, GID: n.gid, ModTime: n.mtime, Origin: n.origin,
		Link: n.link, Major: n.major, Minor: n.minor, Size: n.size, Content: n.content,
	}
	if len(n.xattrs) > 0 {
		e.Xattrs = maps.Clone(n.xattrs)
	}
	return e
}

func (f *FS) seal(n *node) {
	if n.loose {
		n.content, n.size = f.made.Add(n.data), int64(len(n.data))
		n.loose, n.data = false, nil
	}
}

// loosen makes the content of n one that can be changed in place.
func (f *FS) loosen(n *node) error {
	if n.loose {
		return nil
	}
	data, err := f.read(n)
	if err != nil {
		return err
	}
	if err := f.grow(int64(len(data))); err != nil {
		return err
	}
	n.data, n.loose = bytes.Clone(data), true
	n.content, n.size = "", 0
	return nil
}

// read returns the content of n, which the caller must not change.
func (f *FS) read(n *node) ([]byte, error) {
	if n.loose {
		return n.data, nil
	}
	if b, ok := f.made[n.content]; ok || n.size == 0 {
		return b, nil
	}
	r, err := f.contents.OpenContent(n.content)
	if err != nil {
		return nil, f.fail(kiln.CodeOf(err), "%v", err)
	}
	defer r.Close()
	b := make([]byte, n.size)
	_, err = io.ReadFull(r, b)
	if err == nil {
		err = atEnd(r)
	}
	if err != nil {
		return nil, f.fail(kiln.CodeOf(err), "cannot read the content %s: %v", n.content, err)
	}
	return b, nil
}

// atEnd reads to the end: a reader that checks what it reads does so there.
func atEnd(r io.Reader) error {
	switch n, err := io.Copy(io.Discard, r); {
	case err != nil:
		return err
	case n > 0:
		return fmt.Errorf("it has %d bytes more than its entry says", n)
	}
	return nil
}

// grow counts bytes that are about to be written.
func (f *FS) grow(by int64) error {
	if by > f.limit-f.bytes {
		return f.fail(kiln.Refused, "scripts have written more than %d bytes", f.limit)
	}
	f.bytes += by
	return nil
}

// touched stamps a change of n's content.
func (f *FS) touched(n *node) {
	n.writes++
	n.mtime = f.now
	f.changed(n)
}

// changed records who changed n.
func (f *FS) changed(n *node) {
	if f.author.Script != "" {
		n.origin.Script = f.author.Script
	} else if f.author != (tree.Origin{}) {
		n.origin = f.author
	}
}

func (n *node) length() int64 {
	switch {
	case n.kind == tree.Symlink:
		return int64(len(n.link))
	case n.loose:
		return int64(len(n.data))
	}
	return n.size
}

func (n *node) kidNames() []string {
	names := slices.AppendSeq(make([]string, 0, len(n.kids)), maps.Keys(n.kids))
	slices.Sort(names)
	return names
}

// create makes a node in dir, which has none of that name.
func (f *FS) create(at place, e tree.Entry) (*node, error) {
	if f.creations++; f.creations > maxNodes {
		return nil, f.fail(kiln.Refused, "scripts have made more than %d files", maxNodes)
	}
	e.ModTime, e.Origin, e.UID, e.GID = f.now, f.author, f.uid, f.gid
	if at.dir.mode&modeSetgid != 0 { // inode(7): the group comes from the directory
		e.GID = at.dir.gid
		if e.Type == tree.Dir {
			e.Mode |= modeSetgid
		}
	}
	n := f.nodeOf(e)
	f.enter(at, n)
	return n, nil
}

// enter gives n the name that at stands for.
func (f *FS) enter(at place, n *node) {
	f.noteName(at)
	f.noteNames(n)
	n.names++
	at.dir.kids[at.name] = n
	at.dir.mtime = f.now
}

// leave takes the name that at stands for from its node.
func (f *FS) leave(at place) {
	f.noteName(at)
	at.node.names--
	delete(at.dir.kids, at.name)
	at.dir.mtime = f.now
}
