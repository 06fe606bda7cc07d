package rootfs

import (
	"context"
	"maps"

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
