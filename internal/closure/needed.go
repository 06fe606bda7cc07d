package closure

import (
	"path"

	"kiln/internal/tree"
)

// Needed returns the files and links of the tree that what the image starts and
// in.Roots need, by way of interpreters, libraries and PAM modules, each with what
// needs it. Paths are as in a tree. What programs open and call by themselves is
// not among them.
func Needed(in Input) map[string]string {
	c := newChecker(in)
	c.starts()
	if len(in.Units) > 0 {
		c.need(Root{"/usr/lib/systemd/systemd", "enabled units"})
	}
	for _, r := range in.Roots {
		c.need(r)
	}
	c.needModules()
	c.needOpened()
	for e := range in.Tree.All() {
		if e.Type != tree.Symlink {
			continue
		}
		if real, _ := c.there(tree.Absolute(e.Path)); c.reached[real] != "" {
			c.reached[e.Path] = c.reached[real]
		}
	}
	return c.reached
}

func (c *checker) need(r Root) {
	real, _ := c.there(r.Path)
	if e, ok := c.in.Tree.Lookup(real); ok && e.Type == tree.File {
		c.reach(real, r.Why)
	}
}

// needModules takes up what PAM loads, where anything that is needed asks it.
func (c *checker) needModules() {
	if len(c.services) == 0 {
		return
	}
	for e := range c.in.Tree.All() {
		f := c.factOf(&e)
		if f == nil || f.PAM == nil {
			continue
		}
		why := "PAM, by " + tree.Absolute(e.Path)
		c.need(Root{tree.Absolute(e.Path), why})
		for _, l := range f.PAM {
			if l.Module == "" {
				continue
			}
			for _, p := range modulePlaces(l.Module) {
				c.need(Root{p, why})
			}
		}
	}
}

// opened are libraries that others open by name, known from their manuals and
// sources: what is missing of them aborts the program.
func opened() map[string][]string {
	return map[string][]string{"libc.so.6": {"libgcc_s.so.1"}} // pthread_exit(3), pthread_cancel(3), backtrace(3)
}

func (c *checker) needOpened() {
	for e := range c.in.Tree.All() {
		why := c.reached[e.Path]
		f := c.factOf(&e)
		if why == "" || f == nil || f.ELF == nil {
			continue
		}
		for _, name := range opened()[f.ELF.Soname] {
			if o := c.linker.bySystem(search{machineOf(f.ELF), name}); o != nil {
				c.reach(o.real, why)
			}
		}
	}
}

// IsProgram reports whether a file is one that people and scripts call by name: in a
// folder of the default PATH.
func IsProgram(e *tree.Entry) bool {
	switch path.Dir(e.Path) {
	case "bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin":
		return e.Type == tree.File && e.Mode&0o111 != 0
	}
	return false
}

// IsLibrary reports whether a file is a library that programs are linked with: one
// with a SONAME in a folder that ld.so searches.
func IsLibrary(e *tree.Entry, f *Fact) bool {
	if f == nil || f.ELF == nil || f.ELF.Soname == "" {
		return false
	}
	dir := path.Dir(e.Path)
	tuple := tuples()[machineOf(f.ELF)]
	return dir == "usr/lib" || dir == "lib" || tuple != "" && (dir == "usr/lib/"+tuple || dir == "lib/"+tuple)
}

// Generic returns a path with the folder of an architecture as "*", so that a
// pattern of the recipe holds for others.
func Generic(p string) string {
	dir, file := path.Split(p)
	for _, t := range tuples() { // one of them at most
		if base := path.Base(dir); base == t {
			return path.Dir(path.Clean(dir)) + "/*/" + file
		}
	}
	if dir == "/" || dir == "" {
		return p
	}
	return path.Join(Generic(path.Clean(dir)), file)
}
