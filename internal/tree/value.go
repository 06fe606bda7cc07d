package tree

import (
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
)

// Tree is a root file system: one Entry for each path, the root included, every
// parent a directory. Further hard links name the first of their group in path
// order, whatever the order they came in. The zero value is not usable: New.
// A Tree may be read by many goroutines as long as none changes it, once Paths
// or anything that lists has been called.
type Tree struct {
	nodes  map[string]*node
	slab   []node              // where nodes are taken from
	groups map[string][]string // first name of a group of hard links: all its names, sorted
	sorted []string            // every path, sorted, but for late and gone; nil when it must be made anew
	late   []string            // paths that came since
	mixed  bool                // late is in no order
	gone   bool                // paths were taken away since
}

type node struct {
	entry Entry
	kids  names // of a directory: the last components of its entries' paths
}

// slabSize is how many nodes are allocated at a time.
const slabSize = 128

// node returns a new node.
func (t *Tree) node(e Entry) *node {
	if len(t.slab) == 0 {
		t.slab = make([]node, slabSize)
	}
	n := &t.slab[0]
	t.slab = t.slab[1:]
	n.entry = e
	return n
}

// New returns a tree that holds only its root: 0755, owned by root, epoch 0.
func New() *Tree { return Sized(1) }

// Sized is New with room for so many entries.
func Sized(entries int) *Tree {
	t := &Tree{nodes: make(map[string]*node, entries), groups: map[string][]string{}, sorted: []string{"."}}
	t.nodes["."] = &node{entry: Entry{Path: ".", Type: Dir, Mode: 0o755}}
	return t
}

// Of returns a tree of the given entries, in whatever order they come.
func Of(entries ...Entry) (*Tree, error) {
	t := Sized(len(entries) + 1)
	sorted := entries
	if !slices.IsSortedFunc(entries, func(a, b Entry) int { return Compare(a.Path, b.Path) }) {
		sorted = slices.Clone(entries)
		SortEntries(sorted)
	}
	for _, hard := range []bool{false, true} { // links last: a group's first name need not sort first here
		for i := range sorted {
			if sorted[i].Hard != hard {
				continue
			}
			if err := t.Insert(sorted[i]); err != nil {
				return nil, err
			}
		}
	}
	t.notePaths(sorted)
	return t, nil
}

// notePaths spares Paths the work where the tree was made of sorted entries.
func (t *Tree) notePaths(sorted []Entry) {
	paths := make([]string, 0, len(t.nodes))
	if len(sorted) == 0 || sorted[0].Path != "." {
		paths = append(paths, ".")
	}
	for i := range sorted {
		paths = append(paths, sorted[i].Path)
	}
	if len(paths) == len(t.nodes) { // else a path came twice
		t.sorted = paths
	}
}

// SortEntries sorts by path, as a Member is sorted.
func SortEntries(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int { return Compare(a.Path, b.Path) })
}

// Len returns the number of entries, the root included.
func (t *Tree) Len() int { return len(t.nodes) }

// Lookup returns the entry at p itself: links are not followed.
func (t *Tree) Lookup(p string) (Entry, bool) {
	if n := t.nodes[p]; n != nil {
		return n.entry, true
	}
	return Entry{}, false
}

// Paths returns every path, sorted. The caller must not change it.
func (t *Tree) Paths() []string {
	switch {
	case t.sorted == nil:
		t.sorted = slices.AppendSeq(make([]string, 0, len(t.nodes)), maps.Keys(t.nodes))
		slices.SortFunc(t.sorted, Compare)
	case t.gone || len(t.late) > 0:
		t.sorted = t.resorted()
	default:
		return t.sorted // nothing is written: many may read
	}
	t.late, t.mixed, t.gone = nil, false, false
	return t.sorted
}

// SortLike spares Paths the work where most paths are those of another tree, which knows their order.
func (t *Tree) SortLike(other *Tree) {
	sorted := make([]string, 0, len(t.nodes))
	for _, p := range other.Paths() {
		if t.nodes[p] != nil {
			sorted = append(sorted, p)
		}
	}
	t.late = nil
	for p := range t.nodes { // Paths sorts them
		if other.nodes[p] == nil {
			t.late = append(t.late, p)
		}
	}
	t.sorted, t.mixed, t.gone = sorted, true, false
}

// resorted is sorted with what came and went since, which is little or in order. A path that
// went and came again is in both.
func (t *Tree) resorted() []string {
	if t.mixed {
		slices.SortFunc(t.late, Compare)
	}
	late := t.late
	all := make([]string, 0, len(t.nodes))
	put := func(p string) {
		if t.gone && t.nodes[p] == nil || len(all) > 0 && all[len(all)-1] == p {
			return
		}
		all = append(all, p)
	}
	for _, p := range t.sorted {
		for len(late) > 0 && Compare(late[0], p) <= 0 {
			put(late[0])
			late = late[1:]
		}
		put(p)
	}
	for _, p := range late {
		put(p)
	}
	return all
}

// came notes that p is in the tree now.
func (t *Tree) came(p string) {
	if t.sorted == nil {
		return
	}
	t.mixed = t.mixed || len(t.late) > 0 && Compare(t.late[len(t.late)-1], p) > 0
	if t.late = append(t.late, p); t.mixed && len(t.late) > len(t.sorted)/4 {
		t.sorted, t.late, t.mixed = nil, nil, false
	}
}

// All yields every entry, sorted by path. The tree must not change meanwhile.
func (t *Tree) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, p := range t.Paths() {
			if !yield(t.nodes[p].entry) {
				return
			}
		}
	}
}

// Entries returns All as a slice.
func (t *Tree) Entries() []Entry { return slices.Collect(t.All()) }

// Children returns the paths directly in directory p, sorted.
func (t *Tree) Children(p string) []string {
	n := t.nodes[p]
	if n == nil {
		return nil
	}
	paths := make([]string, 0, len(n.kids.list))
	for _, name := range slices.Sorted(slices.Values(n.kids.list)) {
		paths = append(paths, Join(p, name))
	}
	return paths
}

// Names returns every name of the file at p, sorted: more than one where it has
// hard links.
func (t *Tree) Names(p string) []string {
	e, ok := t.Lookup(p)
	if !ok {
		return nil
	}
	first := p
	if e.Hard {
		first = e.Link
	}
	if names := t.groups[first]; names != nil {
		return slices.Clone(names)
	}
	return []string{p}
}

// Linked yields the names of each file that has several, sorted; the files in no
// order. The caller must not change them.
func (t *Tree) Linked() iter.Seq[[]string] { return maps.Values(t.groups) }

// Clone returns an independent copy.
func (t *Tree) Clone() *Tree { return t.CloneSized(0) }

// CloneSized is Clone with room for so many entries more.
func (t *Tree) CloneSized(more int) *Tree {
	slab := make([]node, len(t.nodes))
	c := &Tree{nodes: make(map[string]*node, len(t.nodes)+more), groups: make(map[string][]string, len(t.groups)), sorted: t.sorted, late: slices.Clone(t.late), mixed: t.mixed, gone: t.gone}
	for p, n := range t.nodes {
		slab[0] = node{entry: n.entry, kids: n.kids.clone()}
		c.nodes[p], slab = &slab[0], slab[1:]
	}
	for first, names := range t.groups {
		c.groups[first] = slices.Clone(names)
	}
	return c
}

func notThere(p string) error {
	return &fs.PathError{Op: "look up", Path: Absolute(p), Err: fs.ErrNotExist}
}

func notDir(p string, t Type) error {
	return fmt.Errorf("%q is %s, not a directory", Absolute(p), t.Name())
}
