package tree

import (
	"fmt"
	"slices"
)

// Insert puts e into the tree. Its parent must be a directory there; no link is
// followed. A directory takes the place of a directory and keeps what that
// holds; anything else takes the place of what is there, unless that is a
// directory with entries. A further hard link must name a file of the tree with
// the same content, and takes that file's mode, owner, time and attributes, the
// two being one inode.
func (t *Tree) Insert(e Entry) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("cannot put into the tree: %w", err)
	}
	up, old := t.nodes[Parent(e.Path)], t.nodes[e.Path]
	if err := insertable(&e, up, old); err != nil {
		return fmt.Errorf("cannot put %q into the tree: %w", Absolute(e.Path), err)
	}
	switch {
	case old != nil && old.entry.Type == Dir && e.Type == Dir:
		old.entry = e
	case e.Hard:
		return t.insertHard(e)
	case old != nil:
		t.leaveGroup(e.Path)
		old.entry, old.kids = e, names{}
	default:
		t.add(e, up)
	}
	return nil
}

// insertable checks what is at e's path and above it.
func insertable(e *Entry, up, old *node) error {
	switch {
	case up == nil:
		return notThere(Parent(e.Path))
	case up.entry.Type != Dir:
		return notDir(up.entry.Path, up.entry.Type)
	case old == nil:
		return nil
	case old.entry.Type == Dir && e.Type != Dir && len(old.kids.list) > 0:
		return fmt.Errorf("a directory that is not empty is there")
	case old.entry.Type != Dir && e.Type == Dir:
		return notDir(e.Path, old.entry.Type)
	}
	return nil
}

// add puts a node below up where there is none.
func (t *Tree) add(e Entry, up *node) {
	n := t.node(e)
	t.nodes[e.Path] = n
	t.came(n)
	up.kids.add(base(e.Path))
}

func (t *Tree) insertHard(e Entry) error {
	target := t.nodes[e.Link]
	switch {
	case target == nil:
		return fmt.Errorf("cannot put the hard link %q into the tree: its target %q is not there", Absolute(e.Path), Absolute(e.Link))
	case target.entry.Type != File:
		return fmt.Errorf("cannot put the hard link %q into the tree: its target %q is %s, not a file", Absolute(e.Path), Absolute(e.Link), target.entry.Type.Name())
	case target.entry.Content != e.Content || target.entry.Size != e.Size:
		return fmt.Errorf("cannot put the hard link %q into the tree: its content differs from that of %q", Absolute(e.Path), Absolute(e.Link))
	}
	names := t.Names(e.Link)
	if slices.Contains(names, e.Path) {
		return nil // it is that inode already
	}
	t.Remove(e.Path)
	linked := target.entry
	linked.Path, linked.Origin = e.Path, e.Origin
	t.add(linked, t.nodes[Parent(e.Path)])
	t.regroup(append(names, e.Path))
	return nil
}

// Remove takes p and all below it out of the tree and reports whether it was
// there. Of the root, only what is below goes. Other names of a removed file
// stay: the next of them becomes the first.
func (t *Tree) Remove(p string) bool {
	n := t.nodes[p]
	if n == nil {
		return false
	}
	for _, kid := range t.Children(p) {
		t.Remove(kid)
	}
	if p == "." {
		return true
	}
	t.leaveGroup(p)
	delete(t.nodes, p)
	t.nodes[Parent(p)].kids.remove(base(p))
	n.gone, t.gone = true, true
	return true
}

// leaveGroup makes the file at p, if it has further names, an inode of its own.
func (t *Tree) leaveGroup(p string) {
	names := t.Names(p)
	if len(names) < 2 {
		return
	}
	i := slices.Index(names, p)
	delete(t.groups, names[0])
	t.nodes[p].entry.Hard, t.nodes[p].entry.Link = false, ""
	t.regroup(slices.Delete(names, i, i+1))
}

// regroup makes the files at names one group of hard links, the first in path
// order the one that the others name.
func (t *Tree) regroup(names []string) {
	for _, p := range names {
		delete(t.groups, p)
	}
	slices.SortFunc(names, Compare)
	for i, p := range names {
		e := &t.nodes[p].entry
		e.Hard, e.Link = i > 0, ""
		if e.Hard {
			e.Link = names[0]
		}
	}
	if len(names) > 1 {
		t.groups[names[0]] = names
	}
}
