package oci

import (
	"fmt"
	"path"
	"slices"

	"kiln"
	"kiln/internal/tree"
)

// whiteoutPrefix begins the name of a file by which a layer takes away what the
// layers below it hold (image-spec 1.1, layer.md, "Whiteouts").
const whiteoutPrefix = ".wh."

// whiteoutsMember is the name of the member that holds the whiteouts of a layer.
const whiteoutsMember = "whiteouts"

// whiteoutMode is the mode of a whiteout. The specification names none and no
// engine looks at it: docker's overlay2 driver writes 0600, BuildKit, containerd
// and umoci write none at all, 0000. With 0600 a layer that is unpacked by itself
// holds no file that its owner cannot read, which scanners stumble over.
const whiteoutMode = 0o600

// membersOf returns the members of l with those that only an archive has: where
// the layer removes anything, one of whiteouts directly after the directories, so
// that what a whiteout lies in is there before it, with the right owner and mode.
// A layer that removes nothing gives the same bytes as before there were whiteouts.
//
// What is removed because it changes to or from a directory has no whiteout: the
// entry of that path replaces what is there, whatever it was (layer.md, "Changeset
// over existing files"; docker, podman and umoci do). A whiteout for it would
// stand after the new directory, and docker's overlay2 driver fails on that: it
// makes a device of the whiteout's name, which then is taken.
func membersOf(l tree.Layer) ([]tree.Member, error) {
	if len(l.Removed) == 0 {
		return l.Members, nil
	}
	again := map[string]bool{}
	for i := range l.Members {
		for j := range l.Members[i].Entries {
			again[l.Members[i].Entries[j].Path] = true
		}
	}
	dirs := firstDirectories(l)
	m := tree.Member{Name: whiteoutsMember}
	for _, p := range l.Removed {
		if again[p] {
			continue
		}
		for dir := tree.Parent(p); ; dir = tree.Parent(dir) {
			if !dirs[dir] {
				return nil, &kiln.Error{Code: kiln.Bug, Text: fmt.Sprintf("bug: the layer %q removes %q, and its directories do not hold %q", l.Name, tree.Absolute(p), tree.Absolute(dir))}
			}
			if dir == "." {
				break
			}
		}
		m.Entries = append(m.Entries, whiteout(p, l.Epoch))
	}
	if len(m.Entries) == 0 {
		return l.Members, nil
	}
	return slices.Insert(slices.Clone(l.Members), 1, m), nil
}

// firstDirectories are the directories of l's first member.
func firstDirectories(l tree.Layer) map[string]bool {
	dirs := map[string]bool{}
	if len(l.Members) == 0 {
		return dirs
	}
	for _, e := range l.Members[0].Entries {
		if e.Type == tree.Dir {
			dirs[e.Path] = true
		}
	}
	return dirs
}

// whiteout is the entry that takes p away. It belongs to root.
func whiteout(p string, epoch kiln.Epoch) tree.Entry {
	return tree.Entry{
		Path: tree.Join(tree.Parent(p), whiteoutPrefix+path.Base(p)), Type: tree.File,
		Mode: whiteoutMode, ModTime: epoch, Content: kiln.DigestOf(nil),
	}
}
