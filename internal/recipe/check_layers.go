package recipe

import (
	"maps"
	"slices"
	"strings"
)

func (c *checker) layers(r *Recipe) {
	c.notEmpty("layers", len(r.Layers), "an image has at least one layer")
	layers, packages := c.unique("layer"), c.unique("package")
	sources := sourceNames(r)
	for i, l := range r.Layers {
		path := at("layers", i)
		if c.matches(path+".name", l.Name, imageName, "small letters and digits, joined by single . _ or -") {
			if l.Name == reservedLayer {
				c.problem(path+".name", "the layer name %q is taken by kiln", l.Name)
			}
			layers.add(path+".name", l.Name)
		}
		for j, p := range l.Packages {
			c.pkg(at(path+".packages", j), p, sources, packages)
		}
		c.globs(path+".drop", l.Drop)
		c.globs(path+".keep", l.Keep)
		c.fileList(path+".files", l.Files, r, r.Stages)
	}
}

func (c *checker) pkg(path string, p Package, sources []string, seen names) {
	if c.matches(path, p.Name, wantedName, packageSyntax+", perhaps with :architecture") {
		seen.add(path, p.Name)
	}
	c.why(path, p.Why)
	if c.written(path + ".version") {
		if _, _, ok := splitConstraint(p.Version); !ok {
			c.note(path+".version", `an operator (<< <= = >= >>) and a version: ">= 2.41"`, "%q is no version constraint", shorten(p.Version))
		}
	}
	if c.written(path + ".archive") {
		c.oneOf(path+".archive", p.Archive, "source", sources)
	}
	c.patterns(path+".drop", p.Drop)
	c.patterns(path+".keep", p.Keep)
	for _, name := range slices.Sorted(maps.Keys(p.Without)) {
		at := atKey(path+".without", name)
		if c.matches(at, name, packageName, packageSyntax) && strings.TrimSpace(p.Without[name]) == "" {
			c.note(at, needs["why"], "the reason for leaving %q out is empty", name)
		}
	}
}

// sourceNames are the names that packages[].archive can take.
func sourceNames(r *Recipe) []string {
	var list []string
	for _, s := range r.Sources {
		switch {
		case s.Archive != "":
			list = append(list, s.Archive)
		case s.Deb != "":
			list = append(list, localSource)
		case s.Name != "":
			list = append(list, s.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *checker) globs(path string, list []Glob) {
	u := c.unique("pattern")
	for i, g := range list {
		at := at(path, i)
		if c.glob(at, g.Path) {
			u.add(at, g.Path)
		}
		c.why(at, g.Why)
	}
}

func (c *checker) patterns(path string, list []string) {
	u := c.unique("pattern")
	for i, g := range list {
		if at := at(path, i); c.glob(at, g) {
			u.add(at, g)
		}
	}
}

func (c *checker) glob(path, g string) bool {
	if !c.written(path) {
		return false
	}
	if !glob(g) {
		c.note(path, "write an absolute pattern such as /usr/share/doc/**; * stays within one folder, ** does not",
			"%q is no pattern of paths in the image", shorten(g))
		return false
	}
	return true
}
