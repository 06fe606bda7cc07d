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

// Apply puts the layer's entries onto the tree, as unpacking its archive over a
// folder would: directories merge, anything else replaces. Entries never go
// through a symbolic link of the tree: that is an error, as is one whose parent
// directory is neither in the tree nor earlier in the layer.
func (t *Tree) Apply(l Layer) error {
	for i := range l.Members {
		for j := range l.Members[i].Entries {
			if err := t.Insert(l.Members[i].Entries[j]); err != nil {
				return fmt.Errorf("layer %q, member %q: %w", l.Name, l.Members[i].Name, err)
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
