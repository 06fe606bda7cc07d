package rootfs

import (
	"slices"

	"kiln/internal/tree"
)

// directoriesMember and kilnMember are the names of the members that are no
// package's.
const (
	directoriesMember = "directories"
	kilnMember        = "kiln"
)

// makeLayer makes the layer's members. lower is what the layers below make.
func (a *assembly) makeLayer(l *layer, lower *tree.Tree) (*tree.Layer, error) {
	made := &tree.Layer{Name: l.name(), Epoch: l.epoch, Removed: l.removedFrom(lower)}
	members := l.members()
	own := tree.Member{Name: kilnMember}
	for _, p := range l.scripted {
		if p.in() && p.entry.Type != tree.Dir {
			own.Entries = append(own.Entries, p.entry)
		}
	}
	for _, p := range l.made {
		if p.entry.Type != tree.Dir {
			own.Entries = append(own.Entries, l.linked(p.entry))
		}
	}
	a.clearBits(allOf(members, own))
	dirs := a.directories(l, lower, members, own)
	l.holds = dirs
	for _, p := range made.Removed {
		dirs.need(l, lower, tree.Parent(p))
	}
	dirs.configure(l)
	home := l.homes(members, made.Removed)
	database, err := a.database(l, dirs)
	if err != nil {
		return nil, err
	}
	own.Entries = append(own.Entries, database...)
	dirs.needed(l, lower, database)
	made.Members = append(made.Members, dirs.distribute(l, home, members, &own))
	for _, m := range members {
		if len(m.Entries) > 0 {
			made.Members = append(made.Members, m.Member)
		}
	}
	tree.SortEntries(own.Entries)
	relink(own.Entries)
	made.Members = append(made.Members, ownMembers(own)...)
	return made, nil
}

// ownLarge is the size in bytes from which on a file that no package ships is a
// member of its own, whose content oci compresses once: such as the hardware database,
// which stays the same while the small files beside it change with every package.
const ownLarge = 128 << 10

// ownMembers cuts the member of what no package ships: first all small files and
// what has several names, then each large file.
func ownMembers(own tree.Member) []tree.Member {
	linked := map[string]bool{}
	for _, e := range own.Entries {
		if e.Hard {
			linked[e.Link] = true
		}
	}
	small := tree.Member{Name: own.Name}
	var large []tree.Member
	for _, e := range own.Entries {
		if e.Type == tree.File && !e.Hard && !linked[e.Path] && e.Size >= ownLarge {
			large = append(large, tree.Member{Name: own.Name + " " + tree.Absolute(e.Path), Entries: []tree.Entry{e}})
			continue
		}
		small.Entries = append(small.Entries, e)
	}
	if len(small.Entries) == 0 {
		return large
	}
	return append([]tree.Member{small}, large...)
}

// removedFrom lists what scripts took away of what the image has below the layer.
func (l *layer) removedFrom(lower *tree.Tree) []string {
	return slices.DeleteFunc(slices.Clone(l.removed), func(p string) bool {
		_, there := lower.Lookup(p)
		return !there
	})
}

// linked returns e as one of the names of its file: which these are, the configured tree
// tells.
func (l *layer) linked(e tree.Entry) tree.Entry {
	if e.Type == tree.File && l.after != nil {
		e.Link = l.firsts[e.Path]
		e.Hard = e.Link != ""
	}
	return e
}

// readLinks finds the first name of each further name of a file in the configured tree.
func (l *layer) readLinks() {
	l.firsts = map[string]string{}
	for names := range l.after.Linked() { // a set
		for _, further := range names[1:] {
			l.firsts[further] = names[0]
		}
	}
}

// databaseLayer is the last layer: the database of all packages in one.
// It is nil where one layer has all packages, and so tells of all.
func (a *assembly) databaseLayer(img *Image) (*tree.Layer, error) {
	with := 0
	for _, l := range a.layers {
		if len(l.units) > 0 {
			with++
		}
	}
	if with < 2 {
		return nil, nil
	}
	l := &layer{index: len(a.layers), epoch: img.Epoch, dirs: map[string]*shippedDir{}}
	entries, err := a.coveredFiles(l.epoch) // first: what is covered leaves status, too
	if err != nil {
		return nil, err
	}
	entries = append(entries, a.statusFiles(a.units, l.epoch)...)
	entries = append(entries, a.lateFiles(l, img.Tree)...)
	tree.SortEntries(entries)
	dirs := directories{}
	dirs.need(l, img.Tree, ".")
	return &tree.Layer{Name: databaseName, Epoch: l.epoch, Members: []tree.Member{
		dirs.member(l, img.Tree, entries),
		{Name: kilnMember, Entries: entries},
	}}, nil
}

// databaseName is the name of that layer.
const databaseName = "dpkg"
