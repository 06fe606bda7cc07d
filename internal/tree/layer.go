package tree

import "kiln"

// Layer is a named part of an image: the paths of the layers below that it takes
// away, and the entries that it adds to them or changes in them.
//
// What is removed goes first, then the entries come. A path that an entry merely
// replaces is not removed as well, but for one case: where a directory takes the
// place of something else, or something else that of a directory. A directory
// that is to be emptied stays, and what it holds is removed.
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
	Removed []string   // paths of the layers below that are gone, each with all below it; sorted, once each
	Members []Member
}

// Member is one run of a layer's entries.
type Member struct {
	Name    string // "directories", a package's name_version_architecture, or "kiln"
	Entries []Entry
}
