package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln/internal/bake"
	"kiln/internal/tree"
)

// unitAnswer tells of a unit of systemd.
type unitAnswer struct {
	Name    string      `json:"name"`
	Files   []unitFile  `json:"files,omitempty"`
	Wanted  []unitWant  `json:"wanted_by,omitempty"` // scripts that want it enabled
	Enabled bool        `json:"enabled"`             // by the recipe
	Recipe  *recipeLine `json:"recipe,omitempty"`    // where
	Links   []unitFile  `json:"links,omitempty"`     // by which systemd finds it wanted, or under another name
}

// unitFile is a unit's file, or a link to it.
type unitFile struct {
	Path string  `json:"path"`
	Link string  `json:"link,omitempty"`
	Made *origin `json:"made"`
}

// unitWant is a place in a script that wants a unit enabled.
type unitWant struct {
	Script  string         `json:"script"` // "openssh-server.postinst:12"
	Package *lockedPackage `json:"package,omitempty"`
}

// unitFolders are those of systemd.unit(5) that an image can have.
func unitFolders() []string {
	return []string{"etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user"}
}

// unit answers for a unit; nil where there is none. A name without a type is a
// service's, as for systemctl.
func (q *inquiry) unit(name string) *unitAnswer {
	if path.Ext(name) == "" {
		name += ".service"
	}
	a := &unitAnswer{Name: name}
	for _, dir := range unitFolders() {
		for _, file := range []string{name, templateOf(name)} {
			if e, ok := q.e.Tree.Lookup(tree.Join(dir, file)); ok && file != "" && e.Type != tree.Dir {
				a.Files = append(a.Files, unitFile{tree.Absolute(e.Path), e.Link, q.origin(e.Origin)})
			}
		}
	}
	wish := q.unitWish(name)
	if wish == nil && a.Files == nil {
		return nil
	}
	if wish != nil {
		a.Enabled = wish.Enabled
		for _, place := range wish.Wanted {
			a.Wanted = append(a.Wanted, q.unitWant(place))
		}
		if wish.Recipe != "" {
			a.Recipe = q.line(wish.Recipe, wish.Why)
		}
	}
	a.Links = q.unitLinks(name)
	return a
}

// templateOf returns the template of an instance: "getty@.service"; else "".
func templateOf(unit string) string {
	before, after, ok := strings.Cut(unit, "@")
	if ext := path.Ext(after); ok && after != ext {
		return before + "@" + ext
	}
	return ""
}

// unitWish returns what packages and the recipe want of a unit.
func (q *inquiry) unitWish(name string) *bake.Unit {
	for i := range q.e.Units {
		if q.e.Units[i].Name == name {
			return &q.e.Units[i]
		}
	}
	return nil
}

// unitWant finds the package of "openssh-server.postinst:12".
func (q *inquiry) unitWant(place string) unitWant {
	w := unitWant{Script: place}
	if p := q.byName[packageOf(place)]; p != nil {
		w.Package = q.locked(p)
	}
	return w
}

// packageOf returns the package of a place in a script, "libc6:i386.postinst:12":
// names of packages may hold dots, those of scripts do not.
func packageOf(place string) string {
	script := scriptOf(place)
	return strings.TrimSuffix(script, path.Ext(script))
}

// scriptOf is a place in a script without its line.
func scriptOf(place string) string {
	script := strings.TrimRight(place, "0123456789")
	if bare, ok := strings.CutSuffix(script, ":"); ok {
		return bare
	}
	return place
}

// unitLinks lists the links in systemd's folders that have the unit's name or lead
// to it, but for its own file.
func (q *inquiry) unitLinks(name string) []unitFile {
	var all []unitFile
	for e := range q.e.Tree.All() {
		in := strings.HasPrefix(e.Path, "etc/systemd/") || strings.HasPrefix(e.Path, "usr/lib/systemd/")
		if !in || e.Type != tree.Symlink || path.Base(e.Path) != name && path.Base(e.Link) != name {
			continue
		}
		if path.Base(e.Path) == name && slices.Contains(unitFolders(), tree.Parent(e.Path)) {
			continue // it is among the files
		}
		all = append(all, unitFile{tree.Absolute(e.Path), e.Link, q.origin(e.Origin)})
	}
	return all
}

// unitNames lists the units of the image.
func (q *inquiry) unitNames() []string {
	var names []string
	for _, dir := range unitFolders() {
		for _, p := range q.e.Tree.Children(dir) {
			if e, ok := q.e.Tree.Lookup(p); ok && e.Type != tree.Dir {
				names = append(names, path.Base(p))
			}
		}
	}
	for _, u := range q.e.Units {
		names = append(names, u.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *unitAnswer) print(f facts) {
	for _, file := range a.Files {
		text := file.Path
		if file.Link != "" {
			text += " -> " + file.Link
		}
		f.add("file", "%s", text)
		file.Made.print(f)
	}
	if a.Files == nil {
		f.add("file", "none in the image")
	}
	var lines []string
	for _, w := range a.Wanted {
		lines = append(lines, w.Script)
	}
	f.list("wanted by", lines)
	switch {
	case a.Recipe != nil:
		f.add("enabled", "yes, by %s", a.Recipe)
	case a.Wanted != nil:
		f.add("enabled", "no: no line of the recipe does; to enable it, write there")
		f.add("", "system: {services: {enable: [{unit: %s, why: ...}]}}", a.Name)
	default:
		f.add("enabled", "no line of the recipe does, and no package wants it")
	}
	lines = nil
	for _, l := range a.Links {
		lines = append(lines, fmt.Sprintf("%s -> %s, by %s", l.Path, l.Link, l.Made.maker()))
	}
	f.list("links", lines)
}
