package closure

import (
	"debug/elf"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/linkage"
	"kiln/internal/tree"
)

func (c *checker) link(e *tree.Entry) {
	if strings.HasPrefix(e.Path, docFolder) {
		return
	}
	if _, missing := c.there(tree.Absolute(e.Path)); missing != "" {
		c.add(e, Finding{Kind: NeedsLink, Missing: missing})
	}
}

func (c *checker) script(e *tree.Entry, s *Script) {
	if strings.HasPrefix(e.Path, docFolder) {
		return
	}
	const place = "line 1"
	if _, ok := c.inPath(s.Interpreter, nil); !ok {
		c.add(e, Finding{Kind: NeedsScript, Missing: s.Interpreter, Place: place})
		return
	}
	if s.Program == "" {
		return
	}
	if _, ok := c.inPath(s.Program, c.in.Path); !ok {
		c.add(e, Finding{Kind: NeedsScript, Missing: s.Program, Place: place})
	}
}

// Folders of files that no program loads or runs: what debuggers read of programs;
// documentation and examples.
const (
	debugFolder = "usr/lib/debug/"
	docFolder   = "usr/share/doc/"
)

// elf takes up an ELF file that can be loaded; libraries tells what it lacks.
func (c *checker) elf(e *tree.Entry, f *linkage.File) {
	if strings.HasPrefix(e.Path, debugFolder) || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return
	}
	if len(c.in.Machines) > 0 && !slices.Contains(c.in.Machines, f.Machine) && !slices.Contains(c.in.Own, tree.Absolute(e.Path)) {
		return
	}
	o := &object{path: e.Path, real: e.Path, file: f}
	c.linker.know(o)
	if f.Interpreter == "" {
		c.rest = append(c.rest, o)
		return
	}
	c.programs = append(c.programs, o)
	if _, missing := c.there(f.Interpreter); missing != "" {
		c.add(e, Finding{Kind: NeedsInterpreter, Missing: f.Interpreter})
	}
}

// ofMusl reports whether a program is started by another dynamic linker.
func ofMusl(o *object) bool { return strings.HasPrefix(path.Base(o.file.Interpreter), "ld-musl-") }

// libraries tells what programs do not find. A library that no program is linked
// with is one that programs open by themselves: what it needs may have been loaded
// by then, from wherever it is in the image.
func (c *checker) libraries() {
	linked := map[string]bool{}
	for _, o := range c.programs {
		if ofMusl(o) {
			continue
		}
		loaded, missing := c.linker.process(o)
		for _, part := range loaded[1:] {
			linked[part.real] = true
		}
		for _, m := range missing {
			c.lacks(m, Finding{Start: c.reached[o.path], Program: tree.Absolute(o.path)})
		}
	}
	for _, o := range c.rest {
		if linked[o.path] {
			continue
		}
		for _, name := range o.file.Needed {
			if c.linker.find(o, name) == nil && c.linker.elsewhere(o, name) == "" {
				c.lacks(lacking{o, name}, Finding{})
			}
		}
	}
}

func (c *checker) lacks(m lacking, f Finding) {
	e, _ := c.in.Tree.Lookup(m.by.real)
	f.Kind, f.Missing, f.There = NeedsLibrary, m.name, c.linker.elsewhere(m.by, m.name)
	c.add(&e, f)
}

// pam checks the modules of a service.
func (c *checker) pam(e *tree.Entry, lines []PAMLine) {
	for _, l := range lines {
		missing := ""
		switch {
		case l.Include != "":
			missing = c.include(l.Include)
		case l.Spared:
		case strings.HasPrefix(l.Module, "/"):
			_, missing = c.there(l.Module)
		default:
			missing = c.module(l.Module)
		}
		if missing != "" {
			c.add(e, Finding{Kind: NeedsPAM, Missing: missing, Place: "line " + strconv.Itoa(l.Line), Start: c.services[path.Base(e.Path)]})
		}
	}
}

// include returns the file that is missing, "" where it is there.
func (c *checker) include(name string) string {
	if strings.HasPrefix(name, "/") {
		_, missing := c.there(name)
		return missing
	}
	first := "/etc/pam.d/" + name
	for _, p := range []string{first, "/usr/lib/pam.d/" + name} {
		if real, _ := c.there(p); real != "" {
			return ""
		}
	}
	return first
}

// module looks where libpam of any architecture does, and returns what is missing.
func (c *checker) module(name string) string {
	for _, p := range modulePlaces(name) {
		if real, _ := c.there(p); real != "" {
			return ""
		}
	}
	return strings.TrimPrefix(name, "$ISA/")
}

// modulePlaces are the paths at which a module may be.
func modulePlaces(name string) []string {
	if strings.HasPrefix(name, "/") {
		return []string{name}
	}
	name = strings.TrimPrefix(name, "$ISA/")
	dirs := []string{"/lib", "/usr/lib", "/usr/local/lib"}
	for _, t := range tuples() { // any of them will do
		dirs = append(dirs, "/usr/lib/"+t, "/lib/"+t)
	}
	var places []string
	for _, dir := range dirs {
		places = append(places, dir+"/security/"+name)
	}
	return places
}
