package cli

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
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

// entryFacts is what stands at a path.
type entryFacts struct {
	Type    tree.Type   `json:"type"`
	Mode    string      `json:"mode"` // octal
	UID     int         `json:"uid"`
	GID     int         `json:"gid"`
	Owner   string      `json:"owner"` // user and group, by name where they have one
	Size    int64       `json:"size,omitempty"`
	Content kiln.Digest `json:"content,omitempty"`
	Link    string      `json:"link,omitempty"`  // target of a symbolic link
	Leads   string      `json:"leads,omitempty"` // where that ends; empty where nothing is there
	Names   []string    `json:"names,omitempty"` // other hard links
	Entries int         `json:"entries,omitempty"`
}

// pathChange is what one run of a script did at a path.
type pathChange struct {
	Script string   `json:"script"` // "passwd.postinst"
	Args   []string `json:"args"`
	What   string   `json:"what"` // "made", "removed", or what it changed: "mode, content"
}

// dropped is an entry that was left out of the image.
type dropped struct {
	Type tree.Type   `json:"type"`
	By   *recipeLine `json:"by,omitempty"` // the pattern of the recipe
	Rule *rule       `json:"rule,omitempty"`
	Made *origin     `json:"made"`
}

// path answers for a path; nil where nothing brings it.
func (q *inquiry) path(name string) (*pathAnswer, error) {
	p, through, err := q.locate(name)
	if err != nil {
		return nil, nil // through something that is no directory: there is no such path
	}
	a := &pathAnswer{Path: tree.Absolute(p), Through: through, Changes: q.changesAt(p), Dropped: q.droppedAt(p)}
	if e, ok := q.e.Tree.Lookup(p); ok {
		a.Entry = q.entryFacts(&e)
		var lowest tree.Entry
		a.Layers, lowest = q.layersWith(p)
		if e.Type == tree.Dir && e.Origin.Script == "" && !strings.Contains(e.Origin.Recipe, ".files[") {
			e.Origin = lowest.Origin // later layers repeat it for what they put there
		}
		a.Made = q.origin(e.Origin)
		return a, nil
	}
	if len(a.Changes)+len(a.Dropped) == 0 {
		return nil, nil
	}
	if last := q.removalOf(p); last != nil && a.Dropped == nil {
		a.Made = q.origin(last.Origin)
	}
	return a, nil
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

func (q *inquiry) entryFacts(e *tree.Entry) *entryFacts {
	f := &entryFacts{
		Type: e.Type, Mode: fmt.Sprintf("%04o", e.Mode), UID: e.UID, GID: e.GID, Size: e.Size, Content: e.Content,
		Owner: q.accountName(false, e.UID) + ":" + q.accountName(true, e.GID),
	}
	switch e.Type {
	case tree.Symlink:
		f.Link = e.Link
		if to, err := q.e.Tree.Resolve(e.Path); err == nil {
			f.Leads = tree.Absolute(to)
		}
	case tree.File:
		for _, other := range q.e.Tree.Names(e.Path) {
			if other != e.Path {
				f.Names = append(f.Names, tree.Absolute(other))
			}
		}
	case tree.Dir:
		f.Entries = len(q.e.Tree.Children(e.Path))
	}
	return f
}

// accountName is a user's or group's name, or the number of one that has none.
func (q *inquiry) accountName(group bool, id int) string {
	for _, a := range q.e.Accounts {
		if a.Group == group && a.ID == id {
			return a.Name
		}
	}
	return fmt.Sprint(id)
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
				all = append(all, pathChange{scriptName(&r), r.Args, changeWord(&r.Changes[i])})
			}
		}
	}
	return all
}

func scriptName(r *bake.Run) string { return r.Package.Name + "." + r.Script }

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

func (q *inquiry) droppedAt(p string) []dropped {
	var all []dropped
	for _, d := range q.e.Dropped {
		if d.Path != p {
			continue
		}
		out := dropped{Type: d.Type, Made: q.origin(d.Origin)}
		if strings.Contains(d.By, "[") {
			out.By = q.line(d.By, d.Why)
		} else {
			out.Rule = &rule{d.By, d.Why}
		}
		all = append(all, out)
	}
	return all
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

func (e *entryFacts) print(f facts) {
	text := fmt.Sprintf("%s, %s, %s (%d:%d)", e.Type.Name(), e.Mode, e.Owner, e.UID, e.GID)
	switch e.Type {
	case tree.File:
		text += fmt.Sprintf(", %s, %s", size(e.Size), e.Content)
	case tree.Symlink:
		text = fmt.Sprintf("%s to %s, %s", e.Type.Name(), e.Link, cmp.Or(leadsText(e), e.Owner))
	case tree.Dir:
		text += fmt.Sprintf(", %d entries", e.Entries)
	}
	f.say("is %s", text)
	if len(e.Names) > 0 {
		f.list("also named", e.Names)
	}
}

func leadsText(e *entryFacts) string {
	if e.Leads == "" {
		return "which leads nowhere"
	}
	return "which leads to " + e.Leads
}

// print tells what would be at the path. Of a package that has a keep, what no keep
// names is left out.
func (d *dropped) print(f facts, there bool) {
	text := "left out"
	if there {
		text = "left out in its favour"
	}
	f.say("%s: %s that %s brings", text, d.Type.Name(), d.Made.maker())
	switch {
	case d.Rule != nil:
		f.add("by a rule", "%s: %s", d.Rule.Name, d.Rule.Why)
	case strings.Contains(d.By.Part, ".keep["):
		f.add("by", "%s (of this package, only what a keep names is there)", d.By)
	default:
		f.add("by", "%s", d.By)
	}
	d.Made.print(f)
}

// maker names who makes something, in a word.
func (o *origin) maker() string {
	switch {
	case o.Changed != nil:
		return o.Changed.Script
	case o.Script != "":
		return o.Script
	case o.Package != nil:
		return o.Package.Name
	case o.Recipe != nil:
		return o.Recipe.Part
	case o.Rule != nil:
		return "the rule " + o.Rule.Name
	}
	return "kiln"
}
