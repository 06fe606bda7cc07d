package vfs

import (
	"slices"
	"strings"

	"kiln/internal/tree"
)

// A journal has what was at each path before something was done there, so that what a
// script changed is known without a comparison of all that there is. Whoever changes
// something notes its path first. What is in the end as it was before is no change.

// Watch begins to keep account of changes.
func (f *FS) Watch() { f.journal = map[string]*tree.Entry{} }

// Changes ends what Watch began and returns what has become different, sorted by
// path: what tree.Diff tells of the trees before and after.
func (f *FS) Changes() []tree.Change {
	journal := f.journal
	f.journal = nil
	var changes []tree.Change
	for path, before := range journal { // sorted below
		c := tree.Change{Path: path, Before: before, After: f.standing(path)}
		if before != nil && c.After != nil {
			c.Fields = tree.Differing(before, c.After)
		}
		if (before == nil) != (c.After == nil) || c.Fields != nil {
			changes = append(changes, c)
		}
	}
	slices.SortFunc(changes, func(a, b tree.Change) int { return tree.Compare(a.Path, b.Path) })
	return changes
}

// note keeps what is at a place that is about to change.
func (f *FS) note(p place) {
	if f.journal == nil {
		return
	}
	f.notePath(p.at)
	if p.node != nil {
		f.noteNames(p.node)
	}
}

// noteName is note for a name that is about to come or go: its folder changes, too.
func (f *FS) noteName(p place) {
	if f.journal == nil {
		return
	}
	f.note(p)
	if p.dir != nil {
		f.notePath(tree.Parent(p.at))
	}
}

// noteNames keeps what is at all names of a file that has several.
func (f *FS) noteNames(n *node) {
	if f.journal == nil || n.kind == tree.Dir || n.names < 2 {
		return
	}
	for _, path := range f.namesOf(n) {
		f.notePath(path)
	}
}

// noteAll keeps what is at a path and below it, n, that is about to go or to come.
func (f *FS) noteAll(path string, n *node) {
	if f.journal == nil {
		return
	}
	f.notePath(path)
	f.noteNames(n)
	for name, kid := range n.kids { // a set
		f.noteAll(tree.Join(path, name), kid)
	}
}

func (f *FS) notePath(path string) {
	if _, known := f.journal[path]; !known {
		f.journal[path] = nil // standing may come here again
		f.journal[path] = f.standing(path)
	}
}

// standing is what Tree would have at a path; nil where nothing is.
func (f *FS) standing(path string) *tree.Entry {
	n := f.root
	if path != "." {
		if n = f.at(path); n == nil {
			return nil
		}
	}
	e := f.entry(path, n)
	if n.kind != tree.Dir && n.names > 1 {
		if first := f.namesOf(n)[0]; first != path {
			e.Hard, e.Link = true, first
		}
	}
	return &e
}

// namesOf lists the paths of a file, in the order of a tree.
func (f *FS) namesOf(n *node) []string {
	var paths []string
	var look func(dir string, in *node)
	look = func(dir string, in *node) {
		for name, kid := range in.kids { // sorted below
			switch path := tree.Join(dir, name); {
			case kid == n:
				paths = append(paths, path)
			case kid.kind == tree.Dir:
				look(path, kid)
			}
		}
	}
	look(".", f.root)
	slices.SortFunc(paths, tree.Compare)
	return paths
}

// treePath is a canonical path as a tree names it.
func treePath(names []string) string {
	if len(names) == 0 {
		return "."
	}
	return strings.Join(names, "/")
}
