package pack

import (
	"errors"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/lock"
)

// onlyNamed refuses blobs that the pack does not name.
func (l *layout) onlyNamed(c *Contents) error {
	named := map[string]bool{layoutFile: true, indexFile: true, blobName(c.Digest): true, blobName(c.Lock): true}
	for _, in := range c.Inputs {
		named[blobName(in.Digest)] = true
	}
	var extra []string
	for name := range l.files {
		if !named[name] {
			extra = append(extra, name)
		}
	}
	if extra == nil {
		return nil
	}
	slices.Sort(extra)
	return fmt.Errorf("it holds %q, which nothing in it names", extra[0])
}

// checkInputs compares what a pack holds of archives with what its lock names.
func checkInputs(l *lock.Lock, inputs []Input) error {
	want, err := locked(l)
	if err != nil {
		return err
	}
	recipes := 0
	for _, in := range inputs {
		if in.Kind == Recipe {
			recipes++
		}
		switch in.Kind {
		case Release, Signature, Index, Package:
		default:
			continue
		}
		size, ok := want[in.Digest]
		if !ok {
			return fmt.Errorf("it holds %q, which its lock does not name: %s", in.Title, in.Digest)
		}
		if ok && size >= 0 && size != in.Size {
			return fmt.Errorf("%q has %d bytes, and the lock says %d", in.Title, in.Size, size)
		}
	}
	if recipes != 1 {
		return fmt.Errorf("it holds %d recipes, want one", recipes)
	}
	return nothingLacks(l, inputs)
}

// nothingLacks refuses a pack without an input that its lock names.
func nothingLacks(l *lock.Lock, inputs []Input) error {
	have := map[string]bool{}
	for _, in := range inputs {
		have[in.Digest.Hex()] = true
	}
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			id := a.Name + "/" + p.Suite
			if !have[p.Release.Hex()] || p.Signature != "" && !have[p.Signature.Hex()] {
				return fmt.Errorf("it lacks the Release of %q, which its lock names: %s", id, p.Release)
			}
			for _, ix := range p.Indexes {
				if !have[ix.SHA256] {
					return fmt.Errorf("it lacks the index %q of %q, which its lock names: sha256:%s", ix.Path, id, ix.SHA256)
				}
			}
		}
	}
	for _, platform := range kiln.Platforms() {
		if l.Platforms[platform] == nil {
			continue
		}
		for _, pkg := range l.Platforms[platform].All() {
			if pkg.Archive != localArchive && !have[pkg.SHA256] {
				return fmt.Errorf("it lacks the package %s %s (%s), which its lock names: sha256:%s", pkg.Name, pkg.Version, pkg.Architecture, pkg.SHA256)
			}
		}
	}
	return nil
}

// answers refuses a lock of another recipe.
func (p *Pack) answers() error {
	wants, err := p.Recipe.Wants()
	if err != nil {
		return err
	}
	if wants != p.Lock.Wants {
		return errors.New("its lock is not one of its recipe: the recipe wants something else than it holds")
	}
	for _, platform := range p.Recipe.Platforms {
		if p.Lock.Platforms[platform] == nil {
			return fmt.Errorf("its lock has no platform %s, which its recipe names", platform)
		}
	}
	return nil
}
