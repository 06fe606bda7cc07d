package rootfs

import (
	"context"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Overlay lays packages over a tree, as they are shipped: no script runs. What they have
// in the folders of the merged /usr goes there; a directory that is there stays as it is. It is for
// what is picked from, and never an image.
func Overlay(ctx context.Context, st *store.Store, packages []Package, p kiln.Platform, below *tree.Tree, sink kiln.Sink) (*tree.Tree, tree.Contents, error) {
	a := &assembly{in: Input{Platform: p, Packages: packages, Sink: sink}, store: st, documents: documents{files: map[string]kiln.Digest{}, links: map[string]string{}}}
	a.contents = &contents{store: st, pieces: map[kiln.Digest]piece{}, made: tree.Bytes{}}
	var err error
	if a.arch, err = deb.Architecture(p); err != nil {
		return nil, nil, err
	}
	if err := a.unpack(ctx); err != nil {
		return nil, nil, err
	}
	t := below.Clone()
	for _, u := range a.units {
		l := tree.Layer{Members: []tree.Member{{Name: u.ID.String()}}}
		for i := range u.ix.Entries {
			e := u.ix.Entries[i].Entry
			e.Path, e.Origin = merged(e.Path), tree.Origin{Package: u.name()}
			if e.Hard {
				e.Link = merged(e.Link)
			}
			if old, ok := t.Lookup(e.Path); ok && e.Type == tree.Dir && old.Type != tree.File {
				continue
			}
			l.Members[0].Entries = append(l.Members[0].Entries, e)
		}
		if err := t.Apply(l); err != nil {
			return nil, nil, unpackError(u, err)
		}
	}
	return t, a.contents, nil
}

// merged is a path as the merged /usr has it.
func merged(path string) string {
	if top, _, inside := strings.Cut(path, "/"); inside && slices.Contains(mergedNames(), top) {
		return "usr/" + path
	}
	return path
}
