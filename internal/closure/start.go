package closure

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/tree"
)

// starts finds what the image starts, and all that this needs: the container's
// commands, the units that the recipe enables, and the programs that it brings
// itself.
func (c *checker) starts() {
	for _, cmd := range c.in.Commands {
		c.command(cmd)
	}
	for _, p := range c.in.Own {
		if e, ok := c.in.Tree.Lookup(strings.TrimPrefix(p, "/")); ok && e.Type == tree.File && e.Mode&0o111 != 0 {
			c.reach(e.Path, "a program of the recipe")
		}
	}
	for i := range c.units[system] {
		u := &c.units[system][i]
		if !c.enabled(u.name) {
			continue
		}
		u.start = "the unit " + u.name
		for _, s := range u.exec {
			if real, ok := c.inPath(s.path, strings.Split(unitPath, ":")); ok && real != "" {
				c.reach(real, u.start)
			}
		}
	}
}

// enabled reports whether the recipe enables a unit, or a socket that starts it.
func (c *checker) enabled(name string) bool {
	if slices.Contains(c.in.Units, name) {
		return true
	}
	stem, service := strings.CutSuffix(name, ".service")
	return service && slices.Contains(c.in.Units, stem+".socket")
}

// command takes up what an engine starts. Arguments that are files of the image
// count, too: a script behind its interpreter, a program behind an init.
func (c *checker) command(cmd Command) {
	for i, word := range cmd.Words {
		if i > 0 && !strings.HasPrefix(word, "/") {
			continue
		}
		real, ok := c.inPath(word, c.in.Path)
		if ok && real != "" {
			c.reach(real, cmd.Recipe)
		}
		if !ok && i == 0 {
			c.keep(Finding{Kind: NeedsCommand, Path: c.placeOf(word), Missing: word, Recipe: cmd.Recipe, Start: cmd.Recipe})
		}
	}
}

// placeOf is where a program that is not there would be looked for first.
func (c *checker) placeOf(word string) string {
	if !strings.Contains(word, "/") && len(c.in.Path) > 0 {
		word = c.in.Path[0] + "/" + word
	}
	return path.Clean("/" + word)
}

// pamLibrary is what programs that ask PAM are linked with.
const pamLibrary = "libpam.so.0"

// reach notes a file, its interpreter and its libraries.
func (c *checker) reach(p, start string) {
	if _, again := c.reached[p]; again {
		return
	}
	c.reached[p] = start
	f := c.fact(p)
	switch {
	case f == nil:
	case f.ELF != nil:
		loaded, _ := c.linker.process(&object{path: p, real: p, file: f.ELF})
		for _, o := range loaded {
			if _, again := c.reached[o.real]; !again {
				c.reached[o.real] = start
			}
			if o.file.Soname == pamLibrary {
				c.services[path.Base(p)] = start
			}
		}
	case f.Script != nil:
		for _, name := range []string{f.Script.Interpreter, f.Script.Program} {
			if real, ok := c.inPath(name, c.in.Path); name != "" && ok && real != "" {
				c.reach(real, start)
			}
		}
	}
}

// unit is a unit of the image, with what its drop-ins add.
type unit struct {
	name  string
	entry tree.Entry
	exec  []execLine
	start string // where the image starts it
}

// execLine is a program that a unit runs.
type execLine struct {
	Setting
	path  string      // as the line has it
	entry *tree.Entry // of the file in which it stands
}

// system is the manager of the whole machine; the other is each user's.
const system = "system"

// checkUnits tells which programs of units are missing.
func (c *checker) checkUnits() {
	for _, m := range managers() {
		for _, u := range c.units[m] {
			for _, s := range u.exec {
				if _, ok := c.inPath(s.path, strings.Split(unitPath, ":")); !ok {
					c.add(s.entry, Finding{Kind: NeedsUnit, Missing: s.path, Place: "line " + strconv.Itoa(s.Line) + ", " + s.Key + "=", Start: u.start})
				}
			}
		}
	}
}

// unitsOf lists the units of a manager that can be started, by name. In an image
// without systemd that is none.
func (c *checker) unitsOf(manager string) []unit {
	if _, missing := c.there("/usr/lib/systemd/systemd"); missing != "" {
		return nil
	}
	var all []unit
	seen := map[string]bool{}
	for _, dir := range unitFolders(manager) {
		for _, p := range c.in.Tree.Children(dir) {
			name := path.Base(p)
			if seen[name] || !isUnit(p) {
				continue
			}
			e, _ := c.in.Tree.Lookup(p)
			if e.Type == tree.Dir {
				continue
			}
			seen[name] = true
			if e.Type != tree.File { // an alias, whose unit is among the others, or a mask
				continue
			}
			u := unit{name: name, entry: e}
			if c.compose(&u, manager) {
				all = append(all, u)
			}
		}
	}
	if manager == system {
		all = append(all, c.instances(seen)...)
	}
	slices.SortFunc(all, func(a, b unit) int { return strings.Compare(a.name, b.name) })
	return all
}

// instances are the units that the recipe enables and that only a template has a
// file of.
func (c *checker) instances(files map[string]bool) []unit {
	var all []unit
	for _, name := range c.in.Units {
		prefix, _, ok := strings.Cut(name, "@")
		if !ok || files[name] {
			continue
		}
		for _, dir := range unitFolders(system) {
			e, there := c.in.Tree.Lookup(dir + "/" + prefix + "@" + path.Ext(name))
			if !there || e.Type != tree.File {
				continue
			}
			if u := (unit{name: name, entry: e}); c.compose(&u, system) {
				all = append(all, u)
			}
			break
		}
	}
	return all
}

// compose puts a unit together out of its file and its drop-ins; ok is false where
// it cannot be started or says nothing that can be known here.
func (c *checker) compose(u *unit, manager string) (ok bool) {
	parts := []tree.Entry{u.entry}
	var names []string
	byName := map[string]tree.Entry{}
	for _, dir := range unitFolders(manager) {
		for _, p := range c.in.Tree.Children(dir + "/" + u.name + ".d") {
			if name := path.Base(p); !slices.Contains(names, name) {
				names = append(names, name)
				byName[name], _ = c.in.Tree.Lookup(p)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, byName[name])
	}
	var conditions []Setting
	for i := range parts {
		f := c.factOf(&parts[i])
		if f == nil || f.Unit == nil {
			continue
		}
		if f.Unit.Elsewhere {
			return false
		}
		u.add(f.Unit.Exec, &parts[i])
		conditions = append(conditions, f.Unit.Conditions...)
	}
	return len(u.exec) > 0 && c.mayStart(conditions, u.name)
}

func (u *unit) add(settings []Setting, e *tree.Entry) {
	for _, s := range settings {
		if s.Value == "" {
			u.exec = slices.DeleteFunc(u.exec, func(old execLine) bool { return old.Key == s.Key })
			continue
		}
		if p := s.program(u.name); p != "" {
			u.exec = append(u.exec, execLine{Setting: s, path: p, entry: e})
		}
	}
}

// mayStart evaluates conditions on paths: with one that fails the unit is passed
// over. Of those with a "|" one is enough.
func (c *checker) mayStart(conditions []Setting, name string) bool {
	triggers, triggered := false, false
	for _, s := range conditions {
		value := s.Value
		value, trigger := strings.CutPrefix(value, "|")
		value, not := strings.CutPrefix(strings.TrimSpace(value), "!")
		p := expand(strings.TrimSpace(value), name)
		if p == "" {
			continue
		}
		real, missing := c.there(p)
		holds := real == "" && missing == "" || (missing == "") != not
		if trigger {
			triggers, triggered = true, triggered || holds
		} else if !holds {
			return false
		}
	}
	return !triggers || triggered
}
