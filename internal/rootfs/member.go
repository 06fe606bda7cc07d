package rootfs

import (
	"maps"
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
	var members []tree.Member
	for _, u := range l.units {
		if m := l.member(u); len(m.Entries) > 0 {
			members = append(members, m)
		}
	}
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
	a.clearBits(append(slices.Clone(members), own))
	dirs := a.directories(l, lower, slices.Concat(members, []tree.Member{own}))
	l.holds = dirs
	for _, p := range made.Removed {
		dirs.need(l, lower, tree.Parent(p))
	}
	dirs.configure(l)
	database, err := a.database(l, dirs)
	if err != nil {
		return nil, err
	}
	own.Entries = append(own.Entries, database...)
	tree.SortEntries(own.Entries)
	relink(own.Entries)
	made.Members = append(made.Members, dirs.member(l, lower, database))
	made.Members = append(made.Members, members...)
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

// member returns the package's own entries, but for directories. Where the first
// name of hard links is not among them, the next one becomes the first.
func (l *layer) member(u *unit) tree.Member {
	m := tree.Member{Name: u.ID.String()}
	places := slices.DeleteFunc(slices.Clone(u.places), func(p *place) bool { return !p.in() || p.entry.Type == tree.Dir })
	m.Entries = make([]tree.Entry, 0, len(places))
	slices.SortStableFunc(places, func(x, y *place) int { return tree.Compare(x.entry.Path, y.entry.Path) })
	for _, p := range places {
		m.Entries = append(m.Entries, l.linked(p.entry))
	}
	relink(m.Entries)
	return m
}

// linked returns e as one of the names of its file: which these are, the configured tree
// tells.
func (l *layer) linked(e tree.Entry) tree.Entry {
	if e.Type == tree.File {
		now, _ := l.after.Lookup(e.Path)
		e.Hard, e.Link = now.Hard, now.Link
	}
	return e
}

// directories is the set of directories of a layer.
type directories map[string]tree.Entry

// directories collects what the layer's packages and recipe make, and what
// stands above any entry.
func (a *assembly) directories(l *layer, lower *tree.Tree, members []tree.Member) directories {
	dirs := directories{}
	dirs.need(l, lower, ".")
	for _, u := range l.units {
		for _, p := range u.places {
			if p.in() && p.entry.Type == tree.Dir && isDir(l.after, p.entry.Path) {
				dirs.need(l, lower, p.entry.Path)
			}
		}
	}
	for _, m := range members {
		for i := range m.Entries {
			dirs.need(l, lower, tree.Parent(m.Entries[i].Path))
		}
	}
	for _, p := range l.scripted {
		if p.in() && p.entry.Type == tree.Dir {
			dirs.need(l, lower, p.entry.Path)
		}
	}
	for _, p := range l.made {
		if p.entry.Type != tree.Dir {
			continue
		}
		dirs.need(l, lower, p.entry.Path)
		dirs.change(p)
	}
	return dirs
}

func isDir(t *tree.Tree, path string) bool {
	e, ok := t.Lookup(path)
	return ok && e.Type == tree.Dir
}

// need puts dir and all above it into the set.
func (d directories) need(l *layer, lower *tree.Tree, dir string) {
	for {
		if _, ok := d[dir]; ok {
			return
		}
		d[dir] = l.directory(lower, dir)
		if dir == "." {
			return
		}
		dir = tree.Parent(dir)
	}
}

// directory returns the entry of a directory: its mode and owner are the lower
// layer's where that has it, as dpkg leaves a directory that is there as it is;
// else those of the first package that ships it.
func (l *layer) directory(lower *tree.Tree, dir string) tree.Entry {
	e := tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755, ModTime: l.epoch, Origin: ruleOrigin("parents")}
	if shipped := l.dirs[dir]; shipped != nil {
		e = shipped.first.entry
		e.ModTime = shipped.newest
	}
	below, ok := lower.Lookup(dir)
	if ok && below.Type == tree.Dir && below.Origin != (tree.Origin{}) { // the root of an empty tree has no maker
		e.Mode, e.UID, e.GID, e.Xattrs = below.Mode, below.UID, below.GID, below.Xattrs
		if e.Origin.Package == "" {
			e.Origin = below.Origin
		}
	}
	return e
}

// configure gives the directories what became of them: by maintainer scripts, by
// stat overrides, or since of two packages that ship one, dpkg unpacked the other
// one first.
func (d directories) configure(l *layer) {
	for dir, e := range d { // each by itself
		now, ok := l.after.Lookup(dir)
		switch {
		case !ok || now.Type != tree.Dir:
			continue
		case now.Mode == e.Mode && now.UID == e.UID && now.GID == e.GID && maps.Equal(now.Xattrs, e.Xattrs):
			if e.Origin.Rule == "parents" && now.Origin != (tree.Origin{}) {
				e.Origin = now.Origin // it is more than that
				d[dir] = e
			}
			continue
		}
		e.Mode, e.UID, e.GID, e.Xattrs = now.Mode, now.UID, now.GID, now.Xattrs
		e.Origin.Script = now.Origin.Script
		if e.Origin.Package == "" && e.Origin.Recipe == "" {
			e.Origin = now.Origin
		}
		d[dir] = e
	}
}

// relink makes the first of several names of a file, among the sorted entries, the
// one that the others name.
func relink(entries []tree.Entry) {
	firsts := map[string]string{}
	for i := range entries {
		e := &entries[i]
		if e.Type != tree.File {
			continue
		}
		inode := e.Path
		if e.Hard {
			inode = e.Link
		}
		first, again := firsts[inode]
		if !again {
			firsts[inode] = e.Path
		}
		e.Hard, e.Link = again, first
	}
}

// change lets the recipe set mode and owner of a directory. What is made only in
// passing, by a rule or as part of a folder, gives way to what is there.
func (d directories) change(made *place) {
	e := d[made.entry.Path]
	origin := made.entry.Origin
	if e.Origin.Rule == "parents" || origin.Recipe != "" && !made.passing {
		e.Mode, e.UID, e.GID = made.entry.Mode, made.entry.UID, made.entry.GID
		if e.Origin.Package != "" {
			origin.Package = e.Origin.Package
		}
		e.Origin = origin
	}
	d[e.Path] = e
}

// member returns the set as the layer's first member, with what the database
// needs.
func (d directories) member(l *layer, lower *tree.Tree, database []tree.Entry) tree.Member {
	for i := range database {
		dir := tree.Parent(database[i].Path)
		if _, ok := d[dir]; !ok {
			d.need(l, lower, dir)
		}
	}
	m := tree.Member{Name: directoriesMember}
	for _, dir := range slices.SortedFunc(maps.Keys(d), tree.Compare) {
		m.Entries = append(m.Entries, d[dir])
	}
	return m
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
