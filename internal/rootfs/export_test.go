package rootfs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Configuration is what a layer's packages and scripts made of the tree, before
// anything is left out of the image, and what is left out by the layer or below it.
type Configuration struct {
	Tree    *tree.Tree
	Dropped map[string]bool
}

// Configured is Assemble that tells also what each layer was before anything was
// left out.
func Configured(ctx context.Context, st *store.Store, in Input) (*Image, []Configuration, error) {
	a, err := newAssembly(st, in)
	if err != nil {
		return nil, nil, err
	}
	img, err := a.assemble(ctx)
	var all []Configuration
	dropped := map[string]bool{}
	for _, l := range a.layers {
		places := l.scripted
		for _, u := range l.units {
			places = append(places, u.places...)
		}
		for _, p := range places {
			if p.dropped != "" {
				dropped[p.entry.Path] = true
			}
		}
		all = append(all, Configuration{l.after, maps.Clone(dropped)})
	}
	return img, all, err
}

// NewMemo returns the memo of an assembly by a build of kiln.
func NewMemo(st *store.Store, build string) command.Memo {
	return &memo{store: st, build: build, sizes: map[kiln.Digest]int64{}}
}

// CopyrightIn finds copyright files among files, each of which has its path for a
// content, and links as packages have them.
func CopyrightIn(files []string, links map[string]string) func(name string) string {
	ix := &index{}
	for _, f := range files {
		ix.Entries = append(ix.Entries, packed{Entry: tree.Entry{Path: f, Type: tree.File, Content: kiln.Digest(f)}})
	}
	for from, to := range links {
		ix.Entries = append(ix.Entries, packed{Entry: tree.Entry{Path: from, Type: tree.Symlink, Link: to}})
	}
	d := documents{files: map[string]kiln.Digest{}, links: map[string]string{}}
	d.add(ix)
	return func(name string) string { return string(d.copyright(name)) }
}

// Laid does what Assemble does, and has each layer whose files are just laid installed by
// maint as well: it returns how many there were, and where the two differ.
func Laid(ctx context.Context, st *store.Store, in Input) (laid int, differing []string, err error) {
	a, err := newAssembly(st, in)
	if err != nil {
		return 0, nil, err
	}
	for _, step := range []func() error{func() error { return a.unpack(ctx) }, a.readSkips, a.plan, a.readAccounts, a.place} {
		if err := step(); err != nil {
			return 0, nil, err
		}
	}
	for _, l := range a.layers {
		before, err := a.ground(l)
		if err != nil {
			return laid, nil, err
		}
		if after, touched, ok := a.lay(l, before); ok {
			laid++
			res, err := a.install(ctx, l, before)
			if err != nil {
				return laid, nil, err
			}
			if changed, removed := difference(after, res.Tree); len(changed)+len(removed)+len(l.looked)+len(res.Notes)+len(res.Runs)+len(res.Accounts) > 0 {
				differing = append(differing, fmt.Sprintf("%s: maint has %v, and not %v; looked at %v", l.name(), changed, removed, l.looked))
			}
			for e := range after.All() {
				old, there := before.Lookup(e.Path)
				if (!there || !identical(&old, &e)) && !slices.Contains(touched, e.Path) {
					differing = append(differing, "untold "+e.Path)
				}
			}
		}
		if err := a.configure(ctx, l); err != nil {
			return laid, nil, err
		}
	}
	return laid, differing, nil
}
