package tree

import (
	"fmt"
	"maps"
	"strings"
)

// Change is one path at which two trees differ.
type Change struct {
	Path   string
	Before *Entry   // nil: added
	After  *Entry   // nil: removed
	Fields []string // of an entry in both trees: what differs, as Listing calls it, in its order
}

// String tells the change in one line: "+ entry", "- entry" or "~ path: field
// before -> after, ...".
func (c Change) String() string {
	switch {
	case c.Before == nil:
		return "+ " + c.After.String()
	case c.After == nil:
		return "- " + c.Before.String()
	}
	return fmt.Sprintf("~ %s (%s)\n  was %s\n  is  %s", Absolute(c.Path), strings.Join(c.Fields, ", "), c.Before, c.After)
}

// Diff returns the changes that lead from a to b, sorted by path. It compares
// what the tree digest covers: no changes means the same digest.
func Diff(a, b *Tree) []Change {
	var changes []Change
	for before, after := range Pairs(a, b) {
		switch {
		case after == nil:
			changes = append(changes, Change{Path: before.Path, Before: before})
		case before == nil:
			changes = append(changes, Change{Path: after.Path, After: after})
		default:
			if fields := Differing(before, after); fields != nil {
				changes = append(changes, Change{Path: before.Path, Before: before, After: after, Fields: fields})
			}
		}
	}
	return changes
}

// Differing returns what differs between two entries, as Listing calls it, in its order:
// nothing where the tree digest would not tell them apart.
func Differing(a, b *Entry) []string {
	var fields []string
	note := func(differs bool, field string) {
		if differs {
			fields = append(fields, field)
		}
	}
	note(a.Type != b.Type, "type")
	note(a.Mode != b.Mode && (a.Type != Symlink || b.Type != Symlink), "mode")
	note(a.UID != b.UID, "uid")
	note(a.GID != b.GID, "gid")
	note(a.ModTime != b.ModTime, "mtime")
	note(a.Size != b.Size, "size")
	note(a.Content != b.Content, "content")
	note(a.Link != b.Link && !a.Hard && !b.Hard, "link")
	note(a.Hard != b.Hard || a.Hard && a.Link != b.Link, "hard")
	note(a.Major != b.Major || a.Minor != b.Minor, "device")
	note(!maps.Equal(a.Xattrs, b.Xattrs), "xattr")
	return fields
}
