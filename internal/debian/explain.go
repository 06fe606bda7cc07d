package debian

import (
	"context"
	"fmt"

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
	img, err := f.assemble(ctx, r, l, p, rootfs.Input{Trace: true})
	if err != nil {
		return lockedAlone(r, l, p), err
	}
	e := &bake.Explanation{Root: *rootOf(img, l.Platforms[p]), Runs: runsOf(&img.Report)}
	for _, in := range img.Report.Packages {
		e.Packages = append(e.Packages, bake.Package{ID: in.ID, Name: in.Name, Layer: in.Layer, RequiredBy: in.RequiredBy, Recipe: in.Recipe, Why: in.Why})
	}
	for _, a := range img.Report.Accounts {
		e.Accounts = append(e.Accounts, bake.Account(a))
	}
	for _, d := range img.Report.Dropped {
		e.Dropped = append(e.Dropped, bake.Dropped{Path: d.Entry.Path, Type: d.Entry.Type, Package: d.Package, Origin: d.Entry.Origin, By: d.By, Why: d.Why})
	}
	return e, nil
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
					b.Recipe, b.Why = fmt.Sprintf("layers[%s].packages[%d]", layer.Name, i), w.Why
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
