package kmod

import (
	"fmt"
	"io"
	"path"
	"strings"

	"kiln/internal/tree"
)

// Releases lists the releases whose modules a tree has, sorted.
func Releases(t *tree.Tree) []string {
	var all []string
	for _, dir := range t.Children(Folder) {
		if e, ok := t.Lookup(tree.Join(dir, "kernel")); ok && e.Type == tree.Dir {
			all = append(all, path.Base(dir))
		}
	}
	return all
}

// FromTree returns the folder of a release in a tree, with depmod.d as the tree has it.
func FromTree(t *tree.Tree, c tree.Contents, release string) (*Source, error) {
	dir := tree.Join(Folder, release)
	if e, ok := t.Lookup(dir); !ok || e.Type != tree.Dir {
		return nil, fmt.Errorf("there are no modules of the kernel %s in the tree: it has none in %s", release, tree.Absolute(dir))
	}
	s := &Source{Release: release}
	var walk func(string)
	walk = func(dir string) {
		for _, p := range t.Children(dir) {
			e, _ := t.Lookup(p)
			switch {
			case e.Type == tree.Dir:
				walk(p)
			case e.Type == tree.File && IsModule(p):
				s.Modules = append(s.Modules, Module{strings.TrimPrefix(p, tree.Join(Folder, release)+"/"), func() ([]byte, error) { return contentOf(t, c, p) }})
			}
		}
	}
	walk(dir)
	for _, own := range []struct {
		name string
		to   *[]byte
	}{{"modules.order", &s.Order}, {"modules.builtin", &s.Builtin}, {"modules.builtin.modinfo", &s.BuiltinInfo}} {
		var err error
		if *own.to, err = contentIfThere(t, c, tree.Join(dir, own.name)); err != nil {
			return nil, err
		}
	}
	return s, s.configure(t, c)
}

// configure reads depmod.d.
func (s *Source) configure(t *tree.Tree, c tree.Contents) error {
	return ReadConfig(&s.Config, s.Release, func(dir string) []string {
		real, err := t.Resolve(dir)
		if err != nil {
			return nil
		}
		var names []string
		for _, p := range t.Children(real) {
			names = append(names, path.Base(p))
		}
		return names
	}, func(file string) ([]byte, error) {
		real, err := t.Resolve(file)
		if err != nil {
			return nil, err
		}
		return contentOf(t, c, real)
	})
}

func contentIfThere(t *tree.Tree, c tree.Contents, p string) ([]byte, error) {
	if e, ok := t.Lookup(p); !ok || e.Type != tree.File {
		return nil, nil
	}
	return contentOf(t, c, p)
}

func contentOf(t *tree.Tree, c tree.Contents, p string) ([]byte, error) {
	e, ok := t.Lookup(p)
	if !ok || e.Type != tree.File {
		return nil, fmt.Errorf("%s is no file", tree.Absolute(p))
	}
	r, err := c.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
