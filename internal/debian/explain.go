package debian

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/deb"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/tree"
)

// Explain implements bake.Family.
func (f *Family) Explain(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (*bake.Explanation, error) {
	img, err := f.assemble(ctx, r, l, p, rootfs.Input{})
	if err != nil {
		return lockedAlone(r, l, p), err
	}
	return &bake.Explanation{Root: *rootOf(img)}, nil
}

// storyOf is what led to an image.
func storyOf(img *rootfs.Image) bake.Story {
	s := bake.Story{Runs: runsOf(&img.Report)}
	brought := map[string][]tree.Entry{} // by package
	for _, l := range img.Layers {
		for _, m := range l.Members {
			brought[m.Name] = m.Entries
		}
	}
	for _, in := range img.Report.Packages {
		p := bake.Package{ID: in.ID, Name: in.Name, Layer: in.Layer, RequiredBy: in.RequiredBy, Recipe: in.Recipe, Why: in.Why}
		for _, f := range in.Relations {
			p.Relations = append(p.Relations, bake.Relation{Field: f.Name, Text: strings.Join(strings.Fields(f.Value), " ")})
		}
		for _, e := range brought[in.ID.String()] {
			if e.Type == tree.Dir {
				continue
			}
			p.Files++
			if !e.Hard { // a further name of one takes no room
				p.Bytes += e.Size
			}
		}
		s.Packages = append(s.Packages, p)
	}
	for _, a := range img.Report.Accounts {
		s.Accounts = append(s.Accounts, bake.Account(a))
	}
	for _, d := range img.Report.Dropped {
		s.Dropped = append(s.Dropped, bake.Dropped{Path: d.Entry.Path, Type: d.Entry.Type, Package: d.Package, Origin: d.Entry.Origin, By: d.By, Why: d.Why})
	}
	return s
}

// lockedAlone is what recipe and lock tell of an image that cannot be made. A
// line of the recipe is found by the package's own name; one that names something
// which the package provides is not.
func lockedAlone(r *recipe.Recipe, l *lock.Lock, p kiln.Platform) *bake.Explanation {
	arch, err := deb.Architecture(p)
	if err != nil {
		return nil
	}
	e := &bake.Explanation{}
	r = extended(r, p)
	for _, pkg := range l.Platforms[p].Packages {
		b := bake.Package{
			ID:         kiln.PackageID{Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture},
			Name:       pkg.Name,
			RequiredBy: pkg.RequiredBy,
		}
		if pkg.Architecture != arch && pkg.Architecture != "all" {
			b.Name += ":" + pkg.Architecture
		}
		for _, layer := range r.Layers {
			for i, w := range layer.Packages {
				if w.Name == b.Name || w.Name == pkg.Name+":"+pkg.Architecture {
					b.Recipe, b.Why = cmp.Or(w.Place, fmt.Sprintf("layers[%s].packages[%d]", layer.Name, i)), w.Why
				}
			}
		}
		e.Packages = append(e.Packages, b)
	}
	return e
}

// runsOf lists the scripts that ran, then those that were skipped.
func runsOf(r *rootfs.Report) []bake.Run {
	var all []bake.Run
	for _, run := range r.Runs {
		b := bake.Run{Package: run.ID, Script: run.Script, Args: run.Args, Changes: trimmed(run.Changes)}
		for _, n := range run.Notes {
			b.Notes = append(b.Notes, bake.Note{Kind: n.Kind, Subject: n.Subject, Script: n.Place()})
		}
		all = append(all, b)
	}
	for _, s := range r.Skips {
		all = append(all, bake.Run{Package: s.ID, Script: s.Script, Skipped: s.Recipe, Why: s.Why})
	}
	return all
}

// trimmed leaves out directories of which only the time has changed.
func trimmed(changes []tree.Change) []tree.Change {
	var all []tree.Change
	for _, c := range changes {
		if c.Before == nil || c.After == nil || c.After.Type != tree.Dir || len(c.Fields) != 1 || c.Before.ModTime == c.After.ModTime {
			all = append(all, c)
		}
	}
	return all
}
