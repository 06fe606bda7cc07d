// Package vfs is a root file system that scripts can change: POSIX-like
// operations over what was a tree.Tree, with the author of each change kept. The
// host is not reachable through it: every path is resolved inside the tree,
// absolute links and ".." included, as for a process that has the tree as its
// root directory (path_resolution(7)) and runs as root.
//
// Paths are absolute. Errors are *fs.PathError that wrap fs.ErrNotExist, fs.ErrExist or the errno that Linux
// would give. Only what no system would say, a limit of kiln's or a source of
// randomness, is a *kiln.Error inside; it is also kept in Failure.
package vfs

import (
	"fmt"
	"io"

	"kiln"
	"kiln/internal/tree"
)

// Limits of what scripts can make: far above what Debian's do, below what would
// exhaust a machine.
const (
	maxBytes = 1 << 30 // written in all, what was overwritten or removed again included
	maxNodes = 1 << 20 // files, directories and links made in all
)

// FS is a tree being changed. It is not safe for concurrent use.
type FS struct {
	root      *node
	contents  tree.Contents        // of what was there before
	made      tree.Bytes           // of what was written, once sealed
	now       kiln.Epoch           // the time stamp of all that is made or changed
	author    tree.Origin          // of what is made or changed from now on
	uid, gid  int                  // of the process that makes files
	synthetic map[string]synthetic // files that are seen but are no part of the tree
	inodes    uint64               // the last number given
	bytes     int64                // written so far
	creations int                  // so far
	limit     int64
	journal   map[string]*tree.Entry // by path: what was there since Watch; nil without it
	failure   error
}

// New returns an FS that starts as a copy of t. Whatever is made or changed is
// stamped now.
func New(t *tree.Tree, c tree.Contents, now kiln.Epoch) *FS {
	f := &FS{contents: c, made: tree.Bytes{}, now: now, synthetic: map[string]synthetic{}, limit: maxBytes}
	at := map[string]*node{}
	for e := range t.All() {
		n := at[e.Link]
		if !e.Hard {
			n = f.nodeOf(e)
		}
		n.names++
		at[e.Path] = n
		if e.Path == "." {
			f.root = n
			continue
		}
		at[tree.Parent(e.Path)].kids[base(e.Path)] = n
	}
	return f
}

// Limit sets how many bytes may be written in all, in place of 1 GiB.
func (f *FS) Limit(bytes int64) { f.limit = bytes }

// Author sets the origin of all that is made from now on, and returns the one
// before. What only is changed keeps the origin that it has, and takes the
// author's Script.
func (f *FS) Author(o tree.Origin) tree.Origin {
	old := f.author
	f.author = o
	return old
}

// As sets the user and group that own what is made from now on, and returns those
// before. Nothing is forbidden to them: permissions are not looked at.
func (f *FS) As(uid, gid int) (oldUID, oldGID int) {
	oldUID, oldGID = f.uid, f.gid
	f.uid, f.gid = uid, gid
	return oldUID, oldGID
}

// User returns whom what is made now will belong to.
func (f *FS) User() (uid, gid int) { return f.uid, f.gid }

// Now returns the time stamp of what is made or changed.
func (f *FS) Now() kiln.Epoch { return f.now }

// Failure returns the first *kiln.Error that an operation gave: a limit, or
// something that an image cannot hold. A script must not go on after it, whatever
// it made of the operation's failure.
func (f *FS) Failure() error { return f.failure }

// Forgive forgets Failure, unless it is a limit, for a survey that goes on with
// another script.
func (f *FS) Forgive() {
	if f.bytes < f.limit && f.creations <= maxNodes {
		f.failure = nil
	}
}

func (f *FS) fail(code kiln.Code, format string, args ...any) error {
	err := &kiln.Error{Code: code, Text: fmt.Sprintf(format, args...)}
	if f.failure == nil {
		f.failure = err
	}
	return err
}

// Tree returns what the file system has become, and an error if a changed entry
// is one that no tree can hold.
func (f *FS) Tree() (*tree.Tree, error) {
	t := tree.Sized(f.root.count())
	if err := f.insert(t, ".", f.root, map[*node]string{}); err != nil {
		return nil, fmt.Errorf("bug: cannot make a tree of what scripts left: %w", err)
	}
	return t, nil
}

// insert puts n and all below it into t. seen has the files met so far that have
// several names.
func (f *FS) insert(t *tree.Tree, path string, n *node, seen map[*node]string) error {
	e := f.entry(path, n)
	if first, again := seen[n]; again {
		e.Hard, e.Link = true, first
	} else if n.names > 1 {
		seen[n] = path
	}
	if err := t.Insert(e); err != nil {
		return err
	}
	for _, name := range n.kidNames() {
		if err := f.insert(t, tree.Join(path, name), n.kids[name], seen); err != nil {
			return err
		}
	}
	return nil
}

// count is how many paths n and all below it have.
func (n *node) count() int {
	sum := 1
	for _, kid := range n.kids { // only to add up
		sum += kid.count()
	}
	return sum
}

// Contents opens the content of every file of the last Tree.
func (f *FS) Contents() tree.Contents { return contents{f.made, f.contents} }

// Made returns the content that was written, by digest, as of the last Tree.
func (f *FS) Made() tree.Bytes { return f.made }

type contents struct {
	made tree.Bytes
	base tree.Contents
}

// OpenContent implements tree.Contents.
func (c contents) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if _, ok := c.made[d]; ok || c.base == nil {
		return c.made.OpenContent(d)
	}
	return c.base.OpenContent(d)
}
