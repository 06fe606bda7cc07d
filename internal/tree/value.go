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
// A Tree may be read by many goroutines as long as none changes it, once Settle
// or anything that lists has been called.
type Tree struct {
	nodes  map[string]*node
	slab   []node              // where nodes are taken from
	groups map[string][]string // first name of a group of hard links: all its names, sorted
	sorted []*node             // of every path, sorted, but for late and gone; nil when it must be made anew
	late   []*node             // of paths that came since
	mixed  bool                // late is in no order
	gone   bool                // paths were taken away since
}

// node is one path of the tree, as long as that is there: what takes its place is put into it.
type node struct {
	entry Entry
	kids  names // of a directory: the last components of its entries' paths
	gone  bool  // from the tree
}

func comparePaths(a, b *node) int { return Compare(a.entry.Path, b.entry.Path) }

// sortNodes sorts by path. The paths stand together meanwhile: a sort that asked each node for its
// own would mostly wait for memory.
func sortNodes(nodes []*node) {
	type keyed struct {
		path string
		node *node
	}
	all := make([]keyed, len(nodes))
	for i, n := range nodes {
		all[i] = keyed{n.entry.Path, n}
	}
	slices.SortFunc(all, func(a, b keyed) int { return Compare(a.path, b.path) })
	for i := range all {
		nodes[i] = all[i].node
	}
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
	root := &node{entry: Entry{Path: ".", Type: Dir, Mode: 0o755}}
	t := &Tree{nodes: make(map[string]*node, entries), groups: map[string][]string{}, sorted: []*node{root}}
	t.nodes["."] = root
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
	t.noteOrder(sorted)
	return t, nil
}

// noteOrder spares inOrder the work where the tree was made of sorted entries, links last.
func (t *Tree) noteOrder(sorted []Entry) {
	if len(t.groups) == 0 { // they came in order
		return
	}
	nodes := make([]*node, 0, len(t.nodes))
	if len(sorted) == 0 || sorted[0].Path != "." {
		nodes = append(nodes, t.nodes["."])
	}
	for i := range sorted {
		nodes = append(nodes, t.nodes[sorted[i].Path])
	}
	if len(nodes) == len(t.nodes) { // else a path came twice
		t.sorted, t.late, t.mixed, t.gone = nodes, nil, false, false
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

// Paths returns every path, sorted.
func (t *Tree) Paths() []string {
	paths := make([]string, 0, len(t.nodes))
	for _, n := range t.inOrder() {
		paths = append(paths, n.entry.Path)
	}
	return paths
}

// Settle makes the order of the paths, so that many goroutines may read the tree.
func (t *Tree) Settle() { t.inOrder() }

// inOrder returns all nodes, sorted by path.
func (t *Tree) inOrder() []*node {
	switch {
	case t.sorted == nil:
		t.sorted = slices.AppendSeq(make([]*node, 0, len(t.nodes)), maps.Values(t.nodes))
		sortNodes(t.sorted)
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
	sorted := make([]*node, 0, len(t.nodes))
	for _, n := range other.inOrder() {
		if mine := t.nodes[n.entry.Path]; mine != nil {
			sorted = append(sorted, mine)
		}
	}
	t.late = nil
	for p, n := range t.nodes { // resorted sorts them
		if other.nodes[p] == nil {
			t.late = append(t.late, n)
		}
	}
	t.sorted, t.mixed, t.gone = sorted, true, false
}

// resorted is sorted with what came and went since, which is little or in order.
func (t *Tree) resorted() []*node {
	if t.mixed {
		sortNodes(t.late)
	}
	late := t.late
	all := make([]*node, 0, len(t.nodes))
	put := func(n *node) {
		if !n.gone {
			all = append(all, n)
		}
	}
	for _, n := range t.sorted {
		for len(late) > 0 && comparePaths(late[0], n) <= 0 {
			put(late[0])
			late = late[1:]
		}
		put(n)
	}
	for _, n := range late {
		put(n)
	}
	return all
}

// came notes that the node is in the tree now.
func (t *Tree) came(n *node) {
	if t.sorted == nil {
		return
	}
	t.mixed = t.mixed || len(t.late) > 0 && comparePaths(t.late[len(t.late)-1], n) > 0
	if t.late = append(t.late, n); t.mixed && len(t.late) > len(t.sorted)/4 {
		t.sorted, t.late, t.mixed, t.gone = nil, nil, false, false
	}
}

// All yields every entry, sorted by path. The tree must not change meanwhile.
func (t *Tree) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, n := range t.inOrder() {
			if !yield(n.entry) {
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
	c := &Tree{nodes: make(map[string]*node, len(t.nodes)+more), groups: make(map[string][]string, len(t.groups)), sorted: make([]*node, len(t.nodes))}
	for i, n := range t.inOrder() {
		slab[i] = node{entry: n.entry, kids: n.kids.clone()}
		c.nodes[n.entry.Path], c.sorted[i] = &slab[i], &slab[i]
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
