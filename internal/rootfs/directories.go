package rootfs

import (
	"maps"
	"slices"

	"kiln/internal/tree"
)

// directories is the set of directories of a layer.
type directories map[string]tree.Entry

// directories collects what the layer's packages and recipe make, and what
// stands above any entry.
func (a *assembly) directories(l *layer, lower *tree.Tree, members []*packageMember, own tree.Member) directories {
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
		dirs.needed(l, lower, m.Entries)
	}
	dirs.needed(l, lower, own.Entries)
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
	var e tree.Entry
	if shipped := l.dirs[dir]; shipped != nil {
		e = shipped.first.entry
		if shipped.several {
			e.ModTime = l.oldest
		}
	} else {
		e = tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755, ModTime: l.epoch, Origin: ruleOrigin("parents")}
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
	firsts := map[string]string{} // of the files that have several
	for i := range entries {
		if entries[i].Hard {
			firsts[entries[i].Link] = ""
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.Type != tree.File {
			continue
		}
		inode := e.Path
		if e.Hard {
			inode = e.Link
		}
		first, several := firsts[inode]
		if several && first == "" {
			firsts[inode] = e.Path
		}
		e.Hard, e.Link = first != "", first
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

// needed puts in what stands above the entries.
func (d directories) needed(l *layer, lower *tree.Tree, entries []tree.Entry) {
	for i := range entries {
		d.need(l, lower, tree.Parent(entries[i].Path))
	}
}

// member returns the set as a layer's first member, with what the entries need.
func (d directories) member(l *layer, lower *tree.Tree, entries []tree.Entry) tree.Member {
	d.needed(l, lower, entries)
	m := tree.Member{Name: directoriesMember}
	for _, dir := range slices.SortedFunc(maps.Keys(d), tree.Compare) {
		m.Entries = append(m.Entries, d[dir])
	}
	return m
}

// distribute gives each directory to the member where it is at home: to that of the
// only package that ships it, or to that of scripts and recipe; all else is the
// first member of the layer, which it returns. So the time of a package's own
// directory, and the layer's epoch, are not at the head of the layer.
func (d directories) distribute(l *layer, home map[string]*packageMember, members []*packageMember, own *tree.Member) tree.Member {
	paths := slices.SortedFunc(maps.Keys(d), tree.Compare)
	atHead := map[string]bool{}
	for _, dir := range slices.Backward(paths) { // what stands above a directory comes before it
		if m, packaged := home[dir]; atHead[dir] || !l.alone(m, d[dir]) && (packaged || l.dirs[dir] != nil) {
			atHead[dir], atHead[tree.Parent(dir)] = true, true
		}
	}
	first := tree.Member{Name: directoriesMember}
	for _, dir := range paths {
		switch m := home[dir]; {
		case atHead[dir]:
			first.Entries = append(first.Entries, d[dir])
		case m != nil:
			m.Entries = append(m.Entries, d[dir])
		default:
			own.Entries = append(own.Entries, d[dir])
		}
	}
	each(len(members), func(i int) { tree.SortEntries(members[i].Entries) })
	return first
}

// alone reports whether a directory is one that the package of m ships, no other, and
// as it ships it.
func (l *layer) alone(m *packageMember, e tree.Entry) bool {
	shipped := l.dirs[e.Path]
	return m != nil && shipped != nil && !shipped.several && shipped.first.unit == m.unit &&
		same(&e, &shipped.first.entry) && e.ModTime == shipped.first.entry.ModTime
}
