package resolve

import (
	"cmp"
	"slices"

	"kiln/internal/deb"
)

// world is an index as one request sees it: which candidates exist for its
// architectures, and which of them it prefers.
type world struct {
	*Index
	memo     memo
	req      Request
	ranks    map[string]int // architecture to its place: native 0, foreign from 1
	unpin    map[string]bool
	without  map[string][]string // "name:arch" to the dependencies not to follow; roots fills it
	ranked   map[string][]int32  // memo of rank
	needed   map[int32][]need    // memo of needs
	rejected map[int32][]rule    // memo of rejections
}

func newWorld(ix *Index, req Request) *world {
	w := &world{
		Index:    ix,
		memo:     newMemo(ix),
		req:      req,
		ranks:    map[string]int{req.Arch: 0},
		unpin:    map[string]bool{},
		without:  map[string][]string{},
		ranked:   map[string][]int32{},
		needed:   map[int32][]need{},
		rejected: map[int32][]rule{},
	}
	for i, arch := range req.ForeignArchs {
		if _, ok := w.ranks[arch]; !ok {
			w.ranks[arch] = i + 1
		}
	}
	for _, name := range req.Update {
		w.unpin[name] = true
	}
	return w
}

// archOf reads an architecture as dpkg does: none and all count as native.
func (w *world) archOf(arch string) string {
	if arch == "" || arch == "all" || arch == "native" {
		return w.req.Arch
	}
	return arch
}

func (w *world) arch(c int32) string { return w.archOf(w.at(c).Architecture) }

func (w *world) key(c int32) string { return w.at(c).Name + ":" + w.arch(c) }

func (w *world) usable(c int32) bool {
	_, ok := w.ranks[w.arch(c)]
	return ok && w.at(c).Priority >= 0
}

func (w *world) pinned(c int32) bool {
	p := w.at(c)
	if len(w.req.Pinned) == 0 || w.unpin[p.Name] {
		return false
	}
	pin, ok := w.req.Pinned[p.Name+":"+p.Architecture]
	return ok && pin.Version == p.Version && (pin.SHA256 == "" || pin.SHA256 == p.SHA256)
}

// rank returns the usable candidates of a name, the preferred first: by
// architecture, then what is pinned, then as apt's policy chooses a version.
func (w *world) rank(name string) []int32 {
	if list, ok := w.ranked[name]; ok {
		return list
	}
	var list []int32
	for _, c := range w.named(name) {
		if w.usable(c) {
			list = append(list, c)
		}
	}
	if len(list) > 1 {
		slices.SortFunc(list, w.compareVersions)
	}
	w.ranked[name] = list
	return list
}

func (w *world) compareVersions(a, b int32) int {
	p, q := w.at(a), w.at(b)
	if c := cmp.Or(
		cmp.Compare(w.ranks[w.arch(a)], w.ranks[w.arch(b)]),
		trueFirst(w.pinned(a), w.pinned(b)),
		cmp.Compare(q.Priority, p.Priority),
		deb.Compare(q.Version, p.Version),
	); c != 0 {
		return c
	}
	return w.order(a, b)
}

// favourite says whether apt would call c the candidate of its name and
// architecture: the only version that it looks at unless told otherwise.
func (w *world) favourite(c int32) bool {
	for _, other := range w.rank(w.at(c).Name) {
		if w.arch(other) == w.arch(c) {
			return other == c
		}
	}
	return false
}

// satisfiers returns what satisfies r for a package of the given architecture,
// the preferred first.
func (w *world) satisfiers(r deb.Relation, arch string) []int32 {
	var list []int32
	for _, c := range w.rank(r.Name) {
		if w.serves(c, r.Qualifier, arch) && deb.Satisfies(w.at(c).Version, r.Op, r.Version) {
			list = append(list, c)
		}
	}
	for _, p := range w.provided(r.Name) {
		if w.usable(p.by) && w.servesBy(p, r.Qualifier, arch) && provides(p, r) && !slices.Contains(list, p.by) {
			list = append(list, p.by)
		}
	}
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b int32) int { return w.compareProviders(a, b, r.Name) })
	}
	return list
}

// provides says whether a provision meets the version bound of r. A provision
// without a version meets none (Policy 7.5).
func provides(p provision, r deb.Relation) bool {
	return r.Op == "" || p.version != "" && deb.Satisfies(p.version, r.Op, r.Version)
}

// serves says whether c may satisfy a dependency with that qualifier of a
// package of that architecture: the rule of dpkg's Multi-Arch.
func (w *world) serves(c int32, qualifier, arch string) bool {
	p := w.at(c)
	switch qualifier {
	case "":
		return w.arch(c) == arch || p.MultiArch == "foreign"
	case "any":
		return p.MultiArch == "allowed"
	default:
		return w.arch(c) == w.archOf(qualifier)
	}
}

// servesBy is serves for what c provides: an entry with a qualifier of its own
// stands for that architecture only.
func (w *world) servesBy(p provision, qualifier, arch string) bool {
	switch {
	case p.qualifier == "":
		return w.serves(p.by, qualifier, arch)
	case qualifier == "any" || p.qualifier == "any":
		return qualifier == p.qualifier
	case qualifier == "":
		return w.archOf(p.qualifier) == arch
	}
	return w.archOf(p.qualifier) == w.archOf(qualifier)
}

// compareProviders is apt-get's order among packages that satisfy a relation.
// Where all else is equal, apt-get takes the one that it came upon last.
func (w *world) compareProviders(a, b int32, name string) int {
	p, q := w.at(a), w.at(b)
	if p.Name == q.Name {
		return w.compareVersions(a, b)
	}
	if c := cmp.Or(
		trueFirst(p.Name == name, q.Name == name),
		trueFirst(p.Essential, q.Essential),
		cmp.Compare(w.ranks[w.arch(a)], w.ranks[w.arch(b)]),
		cmp.Compare(importance(p.Package.Priority), importance(q.Package.Priority)),
	); c != 0 {
		return c
	}
	return w.compareMentions(q.Name, p.Name)
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// importance orders the values of the Priority field.
func importance(priority string) int {
	order := []string{"required", "important", "standard", "optional", "extra"}
	if i := slices.Index(order, priority); i >= 0 {
		return i
	}
	return len(order)
}
