package closure

import (
	"debug/elf"
	"path"
	"strings"

	"kiln/internal/linkage"
	"kiln/internal/maint/ldcache"
	"kiln/internal/tree"
)

// linker finds libraries as glibc's dynamic linker does (ld.so(8)), once for each
// kind of machine. Subfolders for some processors only (glibc-hwcaps) are not
// looked at, as what is there alone is missing on the others.
type linker struct {
	c       *checker
	cache   map[string][]string  // of ld.so.cache: name to paths, in order
	found   map[search]string    // what the default search gave: path, "" for none
	sonames map[search]string    // the libraries of the image, wherever they are: the first path
	folders map[machine][]string // default ones
	objects map[string]*object   // by path as it was found
}

// machine is what a library and what needs it must have in common.
type machine struct {
	machine elf.Machine
	class   elf.Class
}

// search is one question to the linker.
type search struct {
	machine machine
	name    string
}

// object is an ELF file at the path by which it is loaded.
type object struct {
	path   string // in the tree, links in it not followed
	real   string // followed
	file   *linkage.File
	loader *object // in one process, who brought it
}

func machineOf(f *linkage.File) machine { return machine{f.Machine, f.Class} }

func newLinker(c *checker) *linker {
	l := &linker{c: c, cache: map[string][]string{}, found: map[search]string{}, sonames: map[search]string{}, folders: map[machine][]string{}, objects: map[string]*object{}}
	if p, err := c.in.Tree.Resolve("etc/ld.so.cache"); err == nil {
		if content, err := c.in.content(p); err == nil {
			entries, _ := ldcache.Parse(content)
			for _, e := range entries {
				l.cache[e.Name] = append(l.cache[e.Name], e.Path)
			}
		}
	}
	return l
}

// tuples are the folders of Debian's architectures below /usr/lib.
func tuples() map[machine]string {
	return map[machine]string{
		{elf.EM_X86_64, elf.ELFCLASS64}:    "x86_64-linux-gnu",
		{elf.EM_X86_64, elf.ELFCLASS32}:    "x86_64-linux-gnux32",
		{elf.EM_386, elf.ELFCLASS32}:       "i386-linux-gnu",
		{elf.EM_AARCH64, elf.ELFCLASS64}:   "aarch64-linux-gnu",
		{elf.EM_ARM, elf.ELFCLASS32}:       "arm-linux-gnueabihf",
		{elf.EM_PPC64, elf.ELFCLASS64}:     "powerpc64le-linux-gnu",
		{elf.EM_RISCV, elf.ELFCLASS64}:     "riscv64-linux-gnu",
		{elf.EM_S390, elf.ELFCLASS64}:      "s390x-linux-gnu",
		{elf.EM_LOONGARCH, elf.ELFCLASS64}: "loongarch64-linux-gnu",
	}
}

// defaultFolders are those that Debian's ld.so of a machine is built with.
func (l *linker) defaultFolders(m machine) []string {
	dirs, ok := l.folders[m]
	if !ok {
		if t := tuples()[m]; t != "" {
			dirs = []string{"lib/" + t, "usr/lib/" + t}
		}
		dirs = append(dirs, "lib", "usr/lib")
		l.folders[m] = dirs
	}
	return dirs
}

// open returns the library at a path of the tree, nil where ld.so would go on
// looking: nothing there, or another machine's.
func (l *linker) open(p string, m machine) *object {
	if o, ok := l.objects[p]; ok {
		if o == nil || machineOf(o.file) != m {
			return nil
		}
		return o
	}
	var o *object
	if real, err := l.c.in.Tree.Resolve(p); err == nil {
		if f := l.c.fact(real); f != nil && f.ELF != nil {
			o = &object{path: p, real: real, file: f.ELF}
		}
	}
	l.objects[p] = o
	if o == nil || machineOf(o.file) != m {
		return nil
	}
	return o
}

// bySystem is the part of a search that does not depend on who asks: the cache and
// the default folders.
func (l *linker) bySystem(q search) *object {
	p, known := l.found[q]
	if !known {
		p = l.lookUp(q)
		l.found[q] = p
	}
	if p == "" {
		return nil
	}
	return l.open(p, q.machine)
}

func (l *linker) lookUp(q search) string {
	for _, p := range l.cache[q.name] {
		if p = strings.TrimPrefix(path.Clean(p), "/"); l.open(p, q.machine) != nil {
			return p
		}
	}
	for _, dir := range l.defaultFolders(q.machine) {
		if p := tree.Join(dir, q.name); l.open(p, q.machine) != nil {
			return p
		}
	}
	return ""
}

// find is what ld.so does for one name that o needs.
func (l *linker) find(o *object, name string) *object {
	m := machineOf(o.file)
	if strings.Contains(name, "/") {
		return l.open(strings.TrimPrefix(path.Clean("/"+l.expand(o, name)), "/"), m)
	}
	if o.file.RunPath == "" || o.file.Inherited {
		for by := o; by != nil; by = by.loader {
			if by.file.Inherited {
				if found := l.inFolders(by, name, m); found != nil {
					return found
				}
			}
		}
	}
	for _, dir := range l.c.in.LibraryPath {
		if found := l.open(inTree(dir, name), m); found != nil {
			return found
		}
	}
	if !o.file.Inherited {
		if found := l.inFolders(o, name, m); found != nil {
			return found
		}
	}
	return l.bySystem(search{m, name})
}

// inFolders looks in the RunPath of an object.
func (l *linker) inFolders(o *object, name string, m machine) *object {
	if o.file.RunPath == "" {
		return nil
	}
	for dir := range strings.SplitSeq(o.file.RunPath, ":") {
		if found := l.open(inTree(l.expand(o, dir), name), m); found != nil {
			return found
		}
	}
	return nil
}

func inTree(dir, name string) string {
	return strings.TrimPrefix(path.Clean("/"+dir+"/"+name), "/")
}

// expand replaces the tokens of ld.so(8). $PLATFORM is that of the oldest
// processor.
func (l *linker) expand(o *object, s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	origin := o.path
	if o.loader == nil {
		origin = o.real // the kernel tells where the program is, with no link in it
	}
	origin = tree.Absolute(tree.Parent(origin))
	tuple := tuples()[machineOf(o.file)]
	platform, _, _ := strings.Cut(tuple, "-")
	return strings.NewReplacer("${ORIGIN}", origin, "$ORIGIN", origin, "${LIB}", "lib/"+tuple, "$LIB", "lib/"+tuple,
		"${PLATFORM}", platform, "$PLATFORM", platform).Replace(s)
}

// know takes up a library of the image, wherever it is.
func (l *linker) know(o *object) {
	for _, name := range []string{o.file.Soname, path.Base(o.path)} {
		if q := (search{machineOf(o.file), name}); l.sonames[q] == "" {
			l.sonames[q] = tree.Absolute(o.path)
		}
	}
}

// elsewhere returns where the image has such a library, in a folder that is not
// searched; "" where it has none.
func (l *linker) elsewhere(o *object, name string) string {
	return l.sonames[search{machineOf(o.file), path.Base(name)}]
}

// lacking is a library that was not found.
type lacking struct {
	by   *object
	name string
}

// process loads the file at a path with all that it needs, as a program that is
// started, or as the only library of a program. It returns what was loaded, the
// file first, and what was not found.
func (l *linker) process(root *object) (loaded []*object, missing []lacking) {
	names := map[string]bool{}
	take := func(o *object, by *object, name string) {
		names[name] = true
		if o.file.Soname != "" {
			names[o.file.Soname] = true
		}
		loaded = append(loaded, &object{path: o.path, real: o.real, file: o.file, loader: by})
	}
	take(root, nil, root.path)
	if p := root.file.Interpreter; p != "" {
		if o := l.open(strings.TrimPrefix(p, "/"), machineOf(root.file)); o != nil {
			take(o, nil, p)
		}
	}
	for i := 0; i < len(loaded); i++ {
		for _, name := range loaded[i].file.Needed {
			if names[name] {
				continue
			}
			o := l.find(loaded[i], name)
			if o == nil {
				missing = append(missing, lacking{loaded[i], name})
				names[name] = true
				continue
			}
			take(o, loaded[i], name)
		}
	}
	return loaded, missing
}

// Unresolved returns for each ELF file that can be loaded the names that ld.so does
// not find when it loads that file, as ldd(1) tells them; files that lack nothing are
// there with none. Paths are as in a tree.
func Unresolved(in Input) map[string][]string {
	c := newChecker(in)
	all := map[string][]string{}
	for e := range in.Tree.All() {
		if f := c.factOf(&e); f != nil && f.ELF != nil {
			c.elf(&e, f.ELF)
		}
	}
	for _, o := range append(c.programs, c.rest...) {
		if ofMusl(o) {
			continue
		}
		_, missing := c.linker.process(o)
		all[o.path] = nil
		for _, m := range missing {
			all[o.path] = append(all[o.path], m.name)
		}
	}
	return all
}
