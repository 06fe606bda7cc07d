package rootfs

import (
	"slices"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// A layer without packages has no script to run: its files are laid over what the
// layers below are. That is what maint would come to, without a file system for
// scripts, the database of all packages, or a result to keep.

// lay returns the tree that a layer comes to, and the paths at which it may be another than
// before; false where more than laying files is to be done, or they do not just lie
// there: maint then does it, and finds what is wrong.
func (a *assembly) lay(l *layer, before *tree.Tree) (after *tree.Tree, touched []string, ok bool) {
	if len(l.units) > 0 || len(a.contested) > 0 {
		return nil, nil, false
	}
	r := a.in.Recipe
	last := l.index == len(a.layers)-1
	members := slices.ContainsFunc(r.Groups, func(g recipe.Group) bool { return len(g.Members) > 0 }) // may be of packages below: looked for at the end
	if l.index == 0 && a.makesPasswd() && len(r.Users)+len(r.Groups) > 0 || last && (members || len(r.System.Services.Enable) > 0) {
		return nil, nil, false
	}
	after = a.copied(before, len(l.made))
	touched = []string{}
	for _, p := range l.made {
		if p.entry.Origin.Recipe == "" {
			continue
		}
		made, ok := l.layFile(after, p)
		if !ok {
			return nil, nil, false
		}
		touched = append(touched, made...)
	}
	slices.SortFunc(touched, tree.Compare)
	return after, slices.Compact(touched), true
}

// copyAhead begins to copy what the layer came to, where files may be laid over it, while it
// is settled.
func (a *assembly) copyAhead(l *layer, after *tree.Tree) {
	a.spare = nil
	if l.index == len(a.layers)-1 || len(a.layers[l.index+1].units) > 0 {
		return
	}
	after.Paths() // so that several may read it
	spare, more := make(chan *tree.Tree, 1), len(a.layers[l.index+1].made)
	go func() { spare <- after.CloneSized(more) }()
	a.spare = spare
}

// copied returns a copy of world with room for so many entries more.
func (a *assembly) copied(world *tree.Tree, more int) *tree.Tree {
	if a.spare == nil {
		return world.CloneSized(more)
	}
	spare := a.spare
	a.spare = nil
	return <-spare
}

// layFile puts one of the recipe's files, and what is missing above it, and returns their paths.
func (l *layer) layFile(after *tree.Tree, p *place) (made []string, ok bool) {
	if p.owner != "" || p.entry.Hard {
		return nil, false
	}
	for dir := tree.Parent(p.entry.Path); dir != "."; dir = tree.Parent(dir) {
		if e, there := after.Lookup(dir); !there {
			made = append(made, dir)
		} else if e.Type != tree.Dir {
			return nil, false // a script made something else of a folder
		}
	}
	old, there := after.Lookup(p.entry.Path)
	if there && ((old.Type == tree.Dir) != (p.entry.Type == tree.Dir) || len(after.Names(p.entry.Path)) > 1) {
		return nil, false
	}
	ours := old.Origin.Recipe == p.entry.Origin.Recipe && old.Origin.Script == ""
	if there && p.passing && !ours {
		return made, true
	}
	ok = l.insertAll(after, p.entry) == nil && after.Insert(p.entry) == nil
	return append(made, p.entry.Path), ok
}

// layKey is to the layers above what configureKey is of a layer that is configured:
// nothing in it was looked at.
func (a *assembly) layKey(l *layer) kiln.Digest {
	if l.index > 0 && a.below == "" {
		return ""
	}
	e := &encoder{}
	e.str("kiln laid files")
	e.str(string(a.below))
	if a.below == "" {
		for entry := range a.world.All() {
			e.treeEntry(&entry)
		}
	}
	a.keySettings(e, l)
	return kiln.DigestOf(e.b)
}
