package tree

import "kiln"

// Layer is a named part of an image and the entries that it adds to or changes
// in the layers below it.
//
// Its entries come in members: runs of entries that a writer may compress and
// cache each on its own. The cut is part of the format, so that a layer's bytes
// do not depend on what was cached: first all directories of the layer, then one
// member for each package in unpack order, then what kiln and the recipe made.
// Within a member, entries are sorted by path. A hard link's first name stands in
// the same member as the link.
type Layer struct {
	Name    string
	Epoch   kiln.Epoch // newest time stamp of its packages
	Members []Member
}

// Member is one run of a layer's entries.
type Member struct {
	Name    string // "directories", a package's name_version_architecture, or "kiln"
	Entries []Entry
}
