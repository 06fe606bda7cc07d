package tree

import "fmt"

// Entries returns the entries of all members, in order.
func (l *Layer) Entries() []Entry {
	var all []Entry
	for i := range l.Members {
		all = append(all, l.Members[i].Entries...)
	}
	return all
}

// Apply takes away what the layer removes, and then puts its entries onto the
// tree, as unpacking its archive over a folder would: directories merge, anything
// else replaces. Entries never go through a symbolic link of the tree: that is an
// error, as is one whose parent directory is neither in the tree nor earlier in
// the layer. So is a removed path that the tree does not hold.
func (t *Tree) Apply(l Layer) error {
	if err := t.takeAway(&l); err != nil {
		return fmt.Errorf("layer %q: %w", l.Name, err)
	}
	for i := range l.Members {
		for j := range l.Members[i].Entries {
			if err := t.Insert(l.Members[i].Entries[j]); err != nil {
				return fmt.Errorf("layer %q, member %q: %w", l.Name, l.Members[i].Name, err)
			}
		}
	}
	return nil
}

// takeAway removes what the layer says, all of it or, on an error, perhaps a part.
func (t *Tree) takeAway(l *Layer) error {
	was := make(map[string]Type, len(l.Removed))
	for i, p := range l.Removed {
		clean, err := CleanPath(p)
		switch {
		case err != nil:
			return fmt.Errorf("cannot take a path away: %w", err)
		case clean != p || p == ".":
			return fmt.Errorf("cannot take %q away: want a clean path below the root", p)
		case i > 0 && Compare(l.Removed[i-1], p) >= 0:
			return fmt.Errorf("cannot take %q away: it comes after %q, and want sorted paths, once each", Absolute(p), Absolute(l.Removed[i-1]))
		}
		if n := t.nodes[p]; n != nil {
			was[p] = n.entry.Type
		}
		if !t.Remove(p) {
			return fmt.Errorf("cannot take %q away: %w", Absolute(p), notThere(p))
		}
	}
	return l.checkAgain(was)
}

// checkAgain refuses a removed path that an entry merely replaces. In an archive
// nothing tells it from one that is only replaced; a directory would keep what it
// held below.
func (l *Layer) checkAgain(was map[string]Type) error {
	if len(was) == 0 {
		return nil
	}
	for i := range l.Members {
		for _, e := range l.Members[i].Entries {
			if old, ok := was[e.Path]; ok && (old == Dir) == (e.Type == Dir) {
				return fmt.Errorf("cannot take %q away: member %q puts %s there again, which replaces it", Absolute(e.Path), l.Members[i].Name, e.Type.Name())
			}
		}
	}
	return nil
}

// Merge returns the tree that the layers make, one on the other.
func Merge(layers ...Layer) (*Tree, error) {
	t := New()
	for i := range layers {
		if err := t.Apply(layers[i]); err != nil {
			return nil, err
		}
	}
	return t, nil
}
