package kmod

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln/internal/spelling"
	"kiln/internal/tree"
)

// Index is what the text indexes of a release say: which modules there are, and what
// each needs.
type Index struct {
	Release string
	tree    *tree.Tree
	content tree.Contents
	paths   map[string]string   // of modules, relative to the release's folder
	deps    map[string][]string // names of all modules that one needs
	soft    map[string][]string // softdeps and weakdeps: names or aliases
	aliases map[string][]string // modules by alias without wildcards
	builtin map[string]bool
}

// ReadIndex reads the indexes of a release in a tree, and makes them where depmod has not.
func ReadIndex(ctx context.Context, t *tree.Tree, c tree.Contents, release string) (*Index, error) {
	dir := tree.Join(Folder, release)
	texts := map[string][]byte{}
	if _, ok := t.Lookup(tree.Join(dir, "modules.dep")); ok {
		for _, name := range []string{"modules.dep", "modules.softdep", "modules.weakdep", "modules.alias"} {
			text, err := contentIfThere(t, c, tree.Join(dir, name))
			if err != nil {
				return nil, err
			}
			texts[name] = text
		}
	} else {
		s, err := FromTree(t, c, release)
		if err != nil {
			return nil, err
		}
		files, err := Make(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			texts[f.Name] = f.Content
		}
	}
	list, err := contentIfThere(t, c, tree.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	x := &Index{Release: release, tree: t, content: c, paths: map[string]string{}, deps: map[string][]string{}, soft: map[string][]string{}, aliases: map[string][]string{}, builtin: map[string]bool{}}
	for _, name := range builtins(list) {
		x.builtin[name] = true
	}
	x.readDeps(string(texts["modules.dep"]))
	x.readWishes(string(texts["modules.softdep"]))
	x.readWishes(string(texts["modules.weakdep"]))
	x.readAliases(string(texts["modules.alias"]))
	return x, nil
}

func (x *Index) readDeps(text string) {
	for line := range strings.Lines(text) {
		file, needs, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		x.paths[Name(file)] = file
		for _, n := range strings.Fields(needs) {
			x.deps[Name(file)] = append(x.deps[Name(file)], Name(n))
		}
	}
}

// readWishes reads "softdep NAME pre: A B post: C" and "weakdep NAME A".
func (x *Index) readWishes(text string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] == "#" {
			continue
		}
		for _, w := range words[2:] {
			if w != "pre:" && w != "post:" {
				x.soft[words[1]] = append(x.soft[words[1]], w)
			}
		}
	}
}

func (x *Index) readAliases(text string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "alias" || strings.ContainsAny(words[1], "*?[") {
			continue
		}
		if key, ok := normalize(words[1]); ok {
			x.aliases[key] = append(x.aliases[key], words[2])
		}
	}
}

// Names lists all modules that are files, sorted.
func (x *Index) Names() []string {
	var all []string
	for n := range x.paths { // sorted below
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Has reports whether there is a module of that name, as a file or in the kernel.
func (x *Index) Has(name string) bool {
	name = strings.ReplaceAll(name, "-", "_")
	return x.paths[name] != "" || x.builtin[name]
}

// below lists the modules in a folder, "kernel/drivers/ata/", sorted.
func (x *Index) below(folder string) []string {
	return slices.DeleteFunc(x.Names(), func(n string) bool { return !strings.HasPrefix(x.paths[n], folder) })
}

// file is where a module is in the tree.
func (x *Index) file(name string) string { return path.Join(Folder, x.Release, x.paths[name]) }

// unknown is the error that there is no module of a name.
func (x *Index) unknown(name string) error {
	if near := x.nearest(name); near != "" {
		return fmt.Errorf("the kernel %s has no module %q; is %q meant?", x.Release, name, near)
	}
	return fmt.Errorf("the kernel %s has no module %q", x.Release, name)
}

// nearest is the name that differs least, within a third of its length.
func (x *Index) nearest(name string) string {
	names := x.Names()
	for n := range x.builtin { // sorted below
		names = append(names, n)
	}
	slices.Sort(names)
	best, least := "", len(name)/3+1
	for _, n := range names {
		if d := spelling.Distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}
