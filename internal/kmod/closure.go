package kmod

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// Want is a module that is wanted, or a folder of modules.
type Want struct {
	Name     string // of a module, or a folder below the release's with a slash at its end: "kernel/drivers/ata/"
	Why      string
	Optional bool     // a kernel that has no such module will do
	Except   []string // of a folder: modules that are not wanted, nor what needs them
}

// Chosen is a file that is needed.
type Chosen struct {
	Name string // of a module; empty for firmware
	Path string // in the tree
	Why  string
}

// Closure is what some modules need, each part sorted by path.
type Closure struct {
	Modules  []Chosen
	Firmware []Chosen
	Missing  []string // firmware that modules name and the tree does not have, sorted
}

// Closure returns the modules that are wanted with all that they need: by symbols, and,
// where the kernel has it, by softdep and weakdep, which are about aliases, too; and the
// firmware they name. What is in the kernel itself needs no file. A module that is denied
// is left out; one that is needed by its symbols, or wanted by name, is an error then.
func (x *Index) Closure(wants []Want, deny []string) (*Closure, error) {
	c := &closure{index: x, why: map[string]string{}, denied: map[string]bool{}}
	for _, d := range deny {
		if !x.Has(d) {
			return nil, x.unknown(d)
		}
		c.denied[strings.ReplaceAll(d, "-", "_")] = true
	}
	for _, w := range wants {
		if err := c.want(w); err != nil {
			return nil, err
		}
	}
	return c.files()
}

// closure is a Closure being made.
type closure struct {
	index  *Index
	why    map[string]string // of modules that are chosen
	denied map[string]bool
}

func (c *closure) want(w Want) error {
	if strings.HasSuffix(w.Name, "/") {
		names := c.index.below(w.Name)
		if len(names) == 0 && !w.Optional {
			return fmt.Errorf("the kernel %s has no modules in %q", c.index.Release, w.Name)
		}
		for _, n := range names {
			if !c.denied[n] && c.allowed(n) && !c.index.about(n, w.Except) {
				c.take(n, w.Why)
			}
		}
		return nil
	}
	name := strings.ReplaceAll(w.Name, "-", "_")
	switch {
	case c.index.builtin[name]:
		return nil
	case c.index.paths[name] == "" && w.Optional:
		return nil
	case c.index.paths[name] == "":
		return c.index.unknown(w.Name)
	case c.denied[name] && w.Optional:
		return nil
	case c.denied[name]:
		return fmt.Errorf("the module %q is denied, and wanted: %s", w.Name, w.Why)
	case !c.allowed(name) && w.Optional:
		return nil
	case !c.allowed(name):
		return fmt.Errorf("the module %q needs %q, which is denied", w.Name, c.index.deps[name][slices.IndexFunc(c.index.deps[name], func(d string) bool { return c.denied[d] })])
	}
	c.take(name, w.Why)
	return nil
}

// about reports whether a module is one of some, or needs one.
func (x *Index) about(name string, some []string) bool {
	return slices.Contains(some, name) || slices.ContainsFunc(x.deps[name], func(d string) bool { return slices.Contains(some, d) })
}

// allowed reports whether nothing that a module needs is denied.
func (c *closure) allowed(name string) bool {
	return !slices.ContainsFunc(c.index.deps[name], func(d string) bool { return c.denied[d] })
}

// take chooses a module with all that it needs.
func (c *closure) take(name, why string) {
	if c.why[name] != "" {
		return
	}
	c.why[name] = cmp.Or(why, "wanted")
	for _, d := range c.index.deps[name] {
		c.take(d, "needed by "+name)
	}
	for _, wish := range c.index.soft[name] {
		for _, d := range c.index.resolve(wish) {
			if !c.denied[d] && c.allowed(d) {
				c.take(d, "softdep of "+name)
			}
		}
	}
}

// resolve returns the modules that modprobe would load for a name.
func (x *Index) resolve(name string) []string {
	plain := strings.ReplaceAll(name, "-", "_")
	switch {
	case x.builtin[plain]:
		return nil
	case x.paths[plain] != "":
		return []string{plain}
	}
	return x.aliases[plain]
}

// files tells the paths of modules, and finds their firmware.
func (c *closure) files() (*Closure, error) {
	out := &Closure{}
	firmware, missing := map[string]string{}, map[string]bool{}
	for name, why := range c.why { // sorted below
		file := c.index.file(name)
		out.Modules = append(out.Modules, Chosen{name, file, why})
	}
	slices.SortFunc(out.Modules, byPath)
	for _, m := range out.Modules {
		content, err := contentOf(c.index.tree, c.index.content, m.Path)
		if err != nil {
			return nil, err
		}
		facts, err := Read(m.Path, content)
		if err != nil {
			return nil, err
		}
		for _, f := range facts.Values("firmware") {
			found := c.index.firmware(f)
			if len(found) == 0 {
				missing[f] = true
			}
			for _, p := range found {
				if firmware[p] == "" {
					firmware[p] = "firmware of " + m.Name
				}
			}
		}
	}
	for p, why := range firmware { // sorted below
		out.Firmware = append(out.Firmware, Chosen{Path: p, Why: why})
	}
	slices.SortFunc(out.Firmware, byPath)
	for f := range missing { // sorted below
		out.Missing = append(out.Missing, f)
	}
	slices.Sort(out.Missing)
	return out, nil
}

func byPath(a, b Chosen) int { return cmp.Compare(a.Path, b.Path) }

// firmware finds a file, or by a pattern files, as the kernel looks for it below
// /usr/lib/firmware, plain or compressed. What it returns may be reached by links.
func (x *Index) firmware(name string) []string {
	const folder = "usr/lib/firmware"
	for _, dir := range []string{folder + "/updates/" + x.Release, folder + "/updates", folder + "/" + x.Release, folder} {
		for _, suffix := range []string{"", ".xz", ".zst"} {
			if found := x.matching(path.Join(dir, name) + suffix); len(found) > 0 {
				return found
			}
		}
	}
	return nil
}

// matching lists the files that a path names, whose last part may be a pattern.
func (x *Index) matching(p string) []string {
	candidates := []string{p}
	if strings.ContainsAny(p, "*?[") {
		candidates = nil
		for _, child := range x.tree.Children(path.Dir(p)) {
			if ok, _ := path.Match(p, child); ok {
				candidates = append(candidates, child)
			}
		}
	}
	return slices.DeleteFunc(candidates, func(p string) bool {
		real, err := x.tree.Resolve(p)
		e, _ := x.tree.Lookup(real)
		return err != nil || e.Type != tree.File
	})
}
