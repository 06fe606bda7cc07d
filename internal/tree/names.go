package tree

import "slices"

// names is a set of names in one directory, which mostly grows: most directories
// hold a few, some thousands, and a tree has thousands of directories.
type names struct {
	list []string       // in no order
	at   map[string]int // where each is in list; nil until one is taken out of many
}

// fewNames is up to how many names one is looked for among all.
const fewNames = 32

// add puts in a name that is not there.
func (n *names) add(name string) {
	if n.at != nil {
		n.at[name] = len(n.list)
	}
	n.list = append(n.list, name)
}

// remove takes out a name that is there.
func (n *names) remove(name string) {
	i := n.index(name)
	last := len(n.list) - 1
	n.list[i] = n.list[last]
	n.list = n.list[:last]
	if n.at != nil {
		if i < last {
			n.at[n.list[i]] = i
		}
		delete(n.at, name)
	}
}

func (n *names) index(name string) int {
	if n.at == nil && len(n.list) <= fewNames {
		return slices.Index(n.list, name)
	}
	if n.at == nil {
		n.at = make(map[string]int, len(n.list))
		for i, name := range n.list {
			n.at[name] = i
		}
	}
	return n.at[name]
}

func (n *names) clone() names { return names{list: slices.Clone(n.list)} }
