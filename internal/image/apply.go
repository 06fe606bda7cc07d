package image

import (
	"fmt"
	"path"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// The names of whiteouts (image-spec 1.1, layer.md, "Whiteouts"). What begins with
// the prefix twice and is not the opaque one are notes of aufs, which mean nothing.
const (
	whiteoutPrefix = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
	whiteoutNotes  = ".wh..wh."
)

// applyLayer puts a layer onto t. A whiteout takes away what the layers below hold,
// wherever in the layer it stands, and nothing of its own layer; so all go first.
func applyLayer(t *tree.Tree, entries []tree.Entry) error {
	var kept, whiteouts []tree.Entry
	folders := map[string]bool{}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(path.Base(e.Path), whiteoutPrefix):
			whiteouts = append(whiteouts, e)
			continue
		case e.Type == tree.Dir:
			folders[e.Path] = true
		}
		kept = append(kept, e)
	}
	for _, e := range whiteouts {
		name := path.Base(e.Path)
		if replaced(t, folders, tree.Parent(e.Path)) {
			continue
		}
		if err := takeAway(t, tree.Parent(e.Path), name); err != nil {
			return fmt.Errorf("the whiteout %q: %w", tree.Absolute(e.Path), err)
		}
	}
	return put(t, kept)
}

// replaced tells whether a layer puts a folder of its own at dir, or above it, where
// the layers below have something else: a link there is not to be followed. What a
// folder takes the place of is gone with it; engines mark such a folder opaque, too.
func replaced(t *tree.Tree, folders map[string]bool, dir string) bool {
	for ; dir != "."; dir = tree.Parent(dir) {
		if e, ok := t.Lookup(dir); ok && folders[dir] && e.Type != tree.Dir {
			return true
		}
	}
	return false
}

// takeAway carries out the whiteout name in folder dir. What is not there need not
// be taken away.
func takeAway(t *tree.Tree, dir, name string) error {
	hidden := strings.TrimPrefix(name, whiteoutPrefix)
	if hidden == "" || hidden == "." || hidden == ".." {
		return refused("it names no file")
	}
	dir, err := locate(t, dir)
	switch {
	case err != nil:
		return refused("%v", err)
	case name == opaqueWhiteout:
		for _, p := range t.Children(dir) {
			t.Remove(p)
		}
	case !strings.HasPrefix(name, whiteoutNotes):
		t.Remove(tree.Join(dir, hidden))
	}
	return nil
}

// locate follows the links of all of a folder's path, inside the tree.
func locate(t *tree.Tree, dir string) (string, error) {
	if dir == "." {
		return dir, nil
	}
	at, err := t.Locate(tree.Join(dir, "x"))
	return tree.Parent(at), err
}

// put puts entries onto t in their order, as an engine that unpacks them does: links
// on the way to an entry are followed inside the tree, missing folders are made, and
// what is in the way goes, but for a folder where a folder comes.
func put(t *tree.Tree, entries []tree.Entry) error {
	for i := range entries {
		if err := putEntry(t, entries[i]); err != nil {
			return refused("the entry %q: %v", tree.Absolute(entries[i].Path), err)
		}
	}
	return nil
}

func putEntry(t *tree.Tree, e tree.Entry) error {
	var err error
	if e.Path, err = t.Locate(e.Path); err != nil {
		return err
	}
	if e.Hard {
		if e, err = linked(t, e); err != nil || e.Link == e.Path {
			return err
		}
	}
	if err := makeParents(t, e.Path); err != nil {
		return err
	}
	if old, ok := t.Lookup(e.Path); ok && (old.Type == tree.Dir) != (e.Type == tree.Dir) {
		if e.Path == "." {
			return fmt.Errorf("the root is not a folder")
		}
		t.Remove(e.Path)
		if e.Hard { // it may have named something in the folder
			if _, ok := t.Lookup(e.Link); !ok {
				return fmt.Errorf("its target was below it")
			}
		}
	}
	return t.Insert(e)
}

// linked completes a further hard link, which may name a file of a layer below. Of
// what is no file it makes a second one that is the same: a tree has hard links of
// files only.
func linked(t *tree.Tree, e tree.Entry) (tree.Entry, error) {
	at, err := t.Locate(e.Link)
	if err != nil {
		return e, err
	}
	target, ok := t.Lookup(at)
	switch {
	case !ok:
		return e, fmt.Errorf("its hard link target %q is no earlier entry", tree.Absolute(e.Link))
	case target.Type == tree.Dir:
		return e, fmt.Errorf("its hard link target %q is a folder", tree.Absolute(e.Link))
	case target.Type != tree.File:
		target.Path = e.Path
		return target, nil
	}
	target.Path, target.Hard, target.Link = e.Path, true, at
	return target, nil
}

// makeParents makes the folders that lead to p and are not there.
func makeParents(t *tree.Tree, p string) error {
	dir := tree.Parent(p)
	if _, ok := t.Lookup(dir); ok {
		return nil
	}
	if err := makeParents(t, dir); err != nil {
		return err
	}
	return t.Insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755, ModTime: kiln.Epoch(0)})
}
