package cli

import (
	"path"
	"slices"
	"strings"

	"kiln/internal/bake"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// pathAnswer tells of one path of an image, or of one that was left out of it.
type pathAnswer struct {
	Path    string       `json:"path"`              // where it stands, links above it followed
	Through []string     `json:"through,omitempty"` // those links: "/bin -> usr/bin"
	Entry   *entryFacts  `json:"entry,omitempty"`   // not set: it is not in the image
	Layers  []string     `json:"layers,omitempty"`  // that hold it, the lowest first: the last one's is in the image
	Made    *origin      `json:"made,omitempty"`    // of the entry, or of the one that a script removed
	Changes []pathChange `json:"changes,omitempty"` // by scripts, in the order in which they ran
	Dropped []dropped    `json:"dropped,omitempty"` // what else would be there
}

// pathChange is what one run of a script did at a path.
type pathChange struct {
	Script string   `json:"script"` // "passwd.postinst"
	Args   []string `json:"args"`
	What   string   `json:"what"` // "made", "removed", or what it changed: "mode, content"
}

// path answers for a path; nil where nothing brings it.
func (q *inquiry) path(name string) *pathAnswer {
	p, through, err := q.locate(name)
	if err != nil {
		return nil // through something that is no directory: there is no such path
	}
	a := &pathAnswer{Path: tree.Absolute(p), Through: through, Changes: q.changesAt(p), Dropped: q.droppedAt(p)}
	if e, ok := q.e.Tree.Lookup(p); ok {
		a.Entry = q.entryFacts(&e)
		a.Layers, a.Made = q.madeIn(&e)
		return a
	}
	if len(a.Changes)+len(a.Dropped) == 0 {
		return nil
	}
	if last := q.removalOf(p); last != nil && a.Dropped == nil {
		a.Made = q.origin(last.Origin)
	}
	return a
}

// madeIn lists the layers that hold an entry of the image, and follows its origin.
// That of a directory is in the lowest: later layers repeat it for what they put
// there, unless a script or the recipe changed it.
func (q *inquiry) madeIn(e *tree.Entry) ([]string, *origin) {
	layers, lowest := q.layersWith(e.Path)
	o := e.Origin
	if e.Type == tree.Dir && o.Script == "" && !strings.Contains(o.Recipe, ".files[") {
		o = lowest.Origin
	}
	return layers, q.origin(o)
}

// removalOf returns what the last script that changed a path removed there.
func (q *inquiry) removalOf(p string) (was *tree.Entry) {
	for _, r := range q.e.Runs {
		for i := range r.Changes {
			if c := &r.Changes[i]; c.Path == p {
				was = nil
				if c.After == nil {
					was = c.Before
				}
			}
		}
	}
	return was
}

// locate follows the links above a path.
func (q *inquiry) locate(name string) (p string, through []string, err error) {
	t := q.e.Tree
	clean := strings.TrimPrefix(path.Clean(name), "/")
	dir := path.Dir(clean)
	for at, rest := ".", dir; rest != "." && rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		at = tree.Join(at, first)
		if e, ok := t.Lookup(at); ok && e.Type == tree.Symlink {
			through = append(through, tree.Absolute(at)+" -> "+e.Link)
			if at, err = t.Resolve(at); err != nil {
				break // Locate says the same
			}
		}
	}
	p, err = t.Locate(clean)
	return p, through, err
}

// layersWith lists the layers that hold a path, but for what a later one takes
// away, and the entry of the lowest.
func (q *inquiry) layersWith(p string) (names []string, lowest tree.Entry) {
	for _, l := range q.e.Layers {
		if slices.ContainsFunc(l.Removed, func(gone string) bool { return gone == p || strings.HasPrefix(p, gone+"/") }) {
			names = nil
		}
		for _, m := range l.Members {
			i, ok := slices.BinarySearchFunc(m.Entries, p, func(e tree.Entry, p string) int { return tree.Compare(e.Path, p) })
			if !ok {
				continue
			}
			if names == nil {
				lowest = m.Entries[i]
			}
			names = append(names, l.Name)
		}
	}
	return names, lowest
}

func (q *inquiry) changesAt(p string) []pathChange {
	var all []pathChange
	for _, r := range q.e.Runs {
		for i := range r.Changes {
			if r.Changes[i].Path == p {
				all = append(all, pathChange{q.scriptName(&r), r.Args, changeWord(&r.Changes[i])})
			}
		}
	}
	return all
}

// scriptName names a script as origins do.
func (q *inquiry) scriptName(r *bake.Run) string {
	name := r.Package.Name
	if foreign := name + ":" + r.Package.Architecture; q.byName[foreign] != nil {
		name = foreign
	}
	return name + "." + r.Script
}

// changeWord says what a change is.
func changeWord(c *tree.Change) string {
	switch {
	case c.Before == nil:
		return "made"
	case c.After == nil:
		return "removed"
	}
	return strings.Join(c.Fields, ", ")
}

// nearPath follows a path as far as there is something, be it left out of the
// image, and returns what is most like the next name, or else the folder itself.
func (q *inquiry) nearPath(name string) string {
	for dir := path.Clean(name); dir != "/"; {
		base := path.Base(dir)
		dir = path.Dir(dir)
		at, err := q.e.Tree.Resolve(dir)
		if err != nil {
			at = strings.TrimPrefix(dir, "/")
		}
		if near := recipe.Nearest(base, q.namesIn(at)); near != "" {
			return tree.Absolute(tree.Join(at, near))
		}
		if err == nil && at != "." {
			return tree.Absolute(at)
		}
	}
	return ""
}

// namesIn lists what is directly in a folder, and what was left out of it.
func (q *inquiry) namesIn(dir string) []string {
	var names []string
	for _, p := range q.e.Tree.Children(dir) {
		names = append(names, path.Base(p))
	}
	for _, d := range q.e.Dropped {
		if tree.Parent(d.Path) == dir {
			names = append(names, path.Base(d.Path))
		}
	}
	return names
}

func (a *pathAnswer) print(f facts) {
	for _, l := range a.Through {
		f.say("is %s, through the link %s", a.Path, l)
	}
	if a.Entry != nil {
		a.Entry.print(f)
		f.add("layer", "%s", layersText(a.Layers))
		a.Made.print(f)
	} else {
		f.say("is not in the image")
		if a.Made != nil {
			f.say("was removed by %s", a.Changes[len(a.Changes)-1].Script)
			a.Made.print(f)
		}
	}
	var lines []string
	for _, c := range a.Changes {
		lines = append(lines, strings.TrimSpace(c.Script+" "+strings.Join(c.Args, " "))+": "+c.What)
	}
	f.list("history", lines)
	for _, d := range a.Dropped {
		if a.Entry == nil || d.Type != tree.Dir { // a directory is there for whatever needs it
			d.print(f, a.Entry != nil)
		}
	}
}

func layersText(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return names[last] + ", over the one of " + strings.Join(names[:last], ", ")
}
