package rootfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/maint"
	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// What configuring a layer gave is kept in the store, so that it is done once for
// the same packages over the same ground. The key covers all that scripts can see
// but the content of the recipe's files: of those only what a script did look at
// counts, so that another content of a file that none reads costs nothing.

// configureFormat is the version of the form in which it is kept. What turns
// packages into a tree, the interpreter and its commands, is Input.Build's to tell.
const configureFormat = 3

// configured is the result of one layer.
type configured struct {
	changed  []tree.Entry // what is otherwise than unpacking and the recipe's files leave it, or more
	removed  []string
	owners   []owned
	runs     []maint.Run
	notes    []command.Note
	accounts []maint.Account
}

// owned is a file of the recipe whose owner has a name.
type owned struct {
	path     string
	uid, gid int
}

// configureKey is the action key of a layer but for the content of the recipe's
// files; before it, below is the key of what the layer below came to.
func (a *assembly) configureKey(l *layer, below kiln.Digest, before *tree.Tree) kiln.Digest {
	e := &encoder{}
	e.str(fmt.Sprintf("kiln configure %d %d %s", configureFormat, unpackFormat, a.in.Build))
	e.str(a.arch)
	e.num(int64(l.epoch))
	e.str(string(below))
	if below == "" {
		for entry := range before.All() {
			e.treeEntry(&entry)
		}
	}
	for _, other := range a.layers[:l.index+1] {
		for _, u := range other.units {
			e.str(string(u.Deb))
			e.flag(other == l)
			e.str(fmt.Sprint(u.origin()))
			for _, s := range u.skip {
				e.str(s)
			}
			for _, p := range u.places {
				if p.excluded || p.gone || a.givesWay(p) {
					e.str(p.shipped)
				}
			}
		}
	}
	a.keySettings(e, l)
	return kiln.DigestOf(e.b)
}

// keySettings adds what the recipe says to scripts.
func (a *assembly) keySettings(e *encoder, l *layer) {
	r := a.in.Recipe
	e.flag(l.index == len(a.layers)-1)
	e.flag(l.index == 0)
	for _, d := range r.Debconf {
		e.str(d.Question)
		e.str(d.Value)
	}
	for i, u := range r.System.Services.Enable {
		e.num(int64(i))
		e.str(u.Unit)
		e.str(u.Why)
	}
	for _, u := range r.Users {
		e.str(fmt.Sprintf("%q", []string{u.Name, u.Group, u.Gecos, u.Home, u.Shell, u.Why}))
		e.num(int64(u.UID))
	}
	for _, g := range r.Groups {
		e.str(fmt.Sprintf("%q", append([]string{g.Name, g.Why}, g.Members...)))
		e.num(int64(g.GID))
	}
	for _, p := range l.made {
		if p.entry.Origin.Recipe == "" {
			continue
		}
		file := p.entry
		file.Content, file.Size, file.Origin.Why = "", 0, ""
		e.treeEntry(&file)
		e.str(p.owner)
		e.flag(p.passing)
	}
}

// contentKey is key with the content of the files that scripts look at.
func (a *assembly) contentKey(l *layer, key kiln.Digest, looked []string) kiln.Digest {
	e := &encoder{}
	e.str(string(key))
	for _, p := range a.recipeFiles(l) {
		if slices.Contains(looked, p.entry.Path) {
			e.str(p.entry.Path)
			e.str(string(p.entry.Content))
		}
	}
	return kiln.DigestOf(e.b)
}

// plainTree is what unpacking alone makes of before, with the recipe's files: a
// starting point that the result's difference leads on from. What does not fit
// there, because a script below made a link of a folder, is left out.
func (a *assembly) plainTree(l *layer, before *tree.Tree, owners []owned) *tree.Tree {
	for _, o := range owners {
		for _, p := range l.made {
			if p.entry.Path == o.path {
				p.entry.UID, p.entry.GID = o.uid, o.gid
			}
		}
	}
	t := a.shippedTree(l, before)
	l.putPlainly(t, l.recipeEntries())
	return t
}

// shippedTree is what unpacking the layer's packages makes of before. It may be made while
// they are installed, once before.Settle was called.
func (a *assembly) shippedTree(l *layer, before *tree.Tree) *tree.Tree {
	shipped := 0
	for _, u := range l.units {
		shipped += len(u.places)
	}
	t := before.CloneSized(shipped)
	entries := make([][]tree.Entry, len(l.units))
	each(len(entries), func(i int) { entries[i] = a.entries(l.units[i]) })
	for i := range entries {
		l.putPlainly(t, entries[i])
	}
	return t
}

// recipeEntries are the recipe's own entries in the layer.
func (l *layer) recipeEntries() []tree.Entry {
	var all []tree.Entry
	for _, p := range l.made {
		if p.entry.Origin.Recipe != "" {
			all = append(all, p.entry)
		}
	}
	return all
}

// putPlainly inserts those that fit.
func (l *layer) putPlainly(t *tree.Tree, entries []tree.Entry) {
	for i := range entries {
		e := &entries[i]
		if old, ok := t.Lookup(e.Path); !ok || old.Type != tree.Dir && e.Type != tree.Dir {
			_ = l.insertAll(t, *e)
		}
	}
}

// difference returns what leads from plain to after: entries to put, parents
// first, and paths to take away before that.
func difference(plain, after *tree.Tree) (changed []tree.Entry, removed []string) {
	gone := map[string]bool{}
	for was, is := range tree.Pairs(plain, after) {
		if was != nil && (is == nil || (was.Type == tree.Dir) != (is.Type == tree.Dir) || gone[tree.Parent(was.Path)]) {
			gone[was.Path] = true
			if !gone[tree.Parent(was.Path)] {
				removed = append(removed, was.Path)
			}
		}
		if is != nil && (was == nil || gone[is.Path] || !identical(was, is)) {
			changed = append(changed, *is)
		}
	}
	return changed, removed
}

// identical reports whether two entries are the same in all.
func identical(x, y *tree.Entry) bool {
	return x.Origin == y.Origin && x.Path == y.Path && x.Type == y.Type && x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID &&
		x.ModTime == y.ModTime && x.Size == y.Size && x.Content == y.Content && x.Link == y.Link && x.Hard == y.Hard &&
		x.Major == y.Major && x.Minor == y.Minor && maps.Equal(x.Xattrs, y.Xattrs)
}

// apply puts the difference onto plain.
func (c *configured) apply(plain *tree.Tree) error {
	for _, p := range c.removed {
		plain.Remove(p)
	}
	for _, hard := range []bool{false, true} { // a link's first name need not sort first
		for _, e := range c.changed {
			if e.Hard != hard {
				continue
			}
			if err := plain.Insert(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// equalTrees reports whether two trees are the same, origins included.
func equalTrees(x, y *tree.Tree) bool {
	for e, other := range tree.Pairs(x, y) {
		if e == nil || other == nil || !identical(e, other) {
			return false
		}
	}
	return true
}

// recipeFiles lists the recipe's files in the layer and those below.
func (a *assembly) recipeFiles(l *layer) []*place {
	var files []*place
	for _, other := range a.layers[:l.index+1] {
		for _, p := range other.made {
			if p.entry.Origin.Recipe != "" && p.entry.Type == tree.File {
				files = append(files, p)
			}
		}
	}
	return files
}

// noteLooked notes which of the recipe's files were looked at. Once all are put,
// one that is not there any more has been, too.
func (a *assembly) noteLooked(l *layer, fs *vfs.FS, put bool) {
	for _, p := range a.recipeFiles(l) {
		looked, there := fs.Looked(p.entry.Path)
		if (looked || !there && put) && !slices.Contains(l.looked, p.entry.Path) {
			l.looked = append(l.looked, p.entry.Path)
		}
	}
}

// encode writes the result as the store keeps it.
func (c *configured) encode(e *encoder) {
	e.num(int64(len(c.changed)))
	for i := range c.changed {
		e.treeEntry(&c.changed[i])
	}
	e.list(c.removed)
	e.num(int64(len(c.owners)))
	for _, o := range c.owners {
		e.str(o.path)
		e.num(int64(o.uid))
		e.num(int64(o.gid))
	}
	e.num(int64(len(c.runs)))
	for _, r := range c.runs {
		e.str(r.ID.Name)
		e.str(r.ID.Version)
		e.str(r.ID.Architecture)
		e.str(r.Script)
		e.list(r.Args)
		e.notes(r.Notes)
		e.changes(r.Changes)
	}
	e.notes(c.notes)
	e.num(int64(len(c.accounts)))
	for _, a := range c.accounts {
		e.flag(a.Group)
		e.str(a.Name)
		e.str(a.Package)
		e.str(a.Script)
	}
}

func (e *encoder) list(list []string) {
	e.num(int64(len(list)))
	for _, s := range list {
		e.str(s)
	}
}

func (e *encoder) notes(notes []command.Note) {
	e.num(int64(len(notes)))
	for _, n := range notes {
		e.str(n.Package)
		e.str(n.Script)
		e.num(int64(n.Line))
		e.str(n.Kind)
		e.str(n.Subject)
	}
}

func (e *encoder) changes(changes []tree.Change) {
	e.num(int64(len(changes)))
	for _, c := range changes {
		for _, side := range []*tree.Entry{c.Before, c.After} {
			e.flag(side != nil)
			if side != nil {
				e.treeEntry(side)
			}
		}
	}
}

// treeEntry writes all of an entry, its origin included.
func (e *encoder) treeEntry(t *tree.Entry) {
	e.str(t.Path)
	e.b = append(e.b, byte(t.Type))
	for _, n := range []int64{int64(t.Mode), int64(t.UID), int64(t.GID), int64(t.ModTime), t.Size, int64(t.Major), int64(t.Minor), int64(len(t.Xattrs))} {
		e.num(n)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Xattrs)) {
		e.str(name)
		e.str(t.Xattrs[name])
	}
	e.str(t.Link)
	e.flag(t.Hard)
	if t.Type == tree.File {
		e.str(strings.TrimPrefix(string(t.Content), "sha256:"))
	}
	for _, s := range []string{t.Origin.Package, t.Origin.Script, t.Origin.Rule, t.Origin.Recipe, t.Origin.Why} {
		e.str(s)
	}
}

// decodeConfigured reads what encode wrote.
func decodeConfigured(d *decoder) *configured {
	c := &configured{}
	for range d.count() {
		c.changed = append(c.changed, d.treeEntry())
	}
	c.removed = d.list()
	for range d.count() {
		c.owners = append(c.owners, owned{d.str(), int(d.num()), int(d.num())})
	}
	for range d.count() {
		r := maint.Run{ID: kiln.PackageID{Name: d.str(), Version: d.str(), Architecture: d.str()}, Script: d.str()}
		r.Args, r.Notes, r.Changes = d.list(), d.notes(), d.changes()
		c.runs = append(c.runs, r)
	}
	c.notes = d.notes()
	for range d.count() {
		c.accounts = append(c.accounts, maint.Account{Group: d.num() != 0, Name: d.str(), Package: d.str(), Script: d.str()})
	}
	return c
}

func (d *decoder) list() []string {
	var list []string
	for range d.count() {
		list = append(list, d.str())
	}
	return list
}

func (d *decoder) notes() []command.Note {
	var notes []command.Note
	for range d.count() {
		notes = append(notes, command.Note{Package: d.str(), Script: d.str(), Line: int(d.num()), Kind: d.str(), Subject: d.str()})
	}
	return notes
}

func (d *decoder) changes() []tree.Change {
	var all []tree.Change
	for range d.count() {
		var c tree.Change
		for _, side := range []**tree.Entry{&c.Before, &c.After} {
			if d.num() != 0 {
				e := d.treeEntry()
				*side, c.Path = &e, e.Path
			}
		}
		if c.Before != nil && c.After != nil {
			c.Fields = tree.Differing(c.Before, c.After)
		}
		all = append(all, c)
	}
	return all
}

func (d *decoder) treeEntry() tree.Entry {
	t := tree.Entry{Path: d.str(), Type: tree.Type(d.take(1)[0]), Mode: uint32(d.num()), UID: int(d.num()), GID: int(d.num())}
	t.ModTime, t.Size, t.Major, t.Minor = kiln.Epoch(d.num()), d.num(), uint32(d.num()), uint32(d.num())
	for range d.count() {
		if t.Xattrs == nil {
			t.Xattrs = map[string]string{}
		}
		name := d.str()
		t.Xattrs[name] = d.str()
	}
	t.Link, t.Hard = d.str(), d.num() != 0
	if t.Type == tree.File {
		content, err := kiln.DigestFromHex(d.str())
		if err != nil {
			d.fail()
		}
		t.Content = content
	}
	t.Origin = tree.Origin{Package: d.str(), Script: d.str(), Rule: d.str(), Recipe: d.str(), Why: d.str()}
	return t
}
