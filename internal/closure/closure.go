// Package closure checks that an image holds what its files need: of each ELF file
// the interpreter and the libraries, of each script its interpreter, of each
// symbolic link its target, of each unit of systemd its programs, of each file of
// pam.d its modules, and of the container its program.
//
// It is a function of a tree and of what its contents say; nothing is run. What
// cannot be seen so is not found: libraries that a program opens by itself
// (dlopen), programs that it or a script calls, files that it reads. The libraries
// of musl are not looked at.
package closure

import (
	"cmp"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// Kind is what is needed.
type Kind string

// The kinds.
const (
	NeedsCommand     Kind = "command"     // the program of the container
	NeedsInterpreter Kind = "interpreter" // of an ELF file: PT_INTERP
	NeedsLibrary     Kind = "library"     // of an ELF file: DT_NEEDED
	NeedsScript      Kind = "script"      // the program that runs a script
	NeedsUnit        Kind = "unit"        // a program of a unit
	NeedsPAM         Kind = "pam"         // a module, or an included file
	NeedsLink        Kind = "link"        // the target of a symbolic link
)

// Kinds lists them in the order in which they are told.
func Kinds() []Kind {
	return []Kind{NeedsCommand, NeedsInterpreter, NeedsLibrary, NeedsScript, NeedsUnit, NeedsPAM, NeedsLink}
}

// Finding is one thing that is needed and is not in the image.
type Finding struct {
	Kind    Kind   `json:"kind"`
	Path    string `json:"path"`              // what needs it, with a leading slash; the container's command itself
	Missing string `json:"missing"`           // name of a library, else a path
	Place   string `json:"place,omitempty"`   // where it is named: "line 12, ExecStart="
	Package string `json:"package,omitempty"` // that brought Path
	Recipe  string `json:"recipe,omitempty"`  // part of the recipe that made Path or wants Package, or that names the command
	Own     bool   `json:"own,omitempty"`     // the recipe names Path itself
	Program string `json:"program,omitempty"` // of a library: one that cannot start for want of it
	There   string `json:"there,omitempty"`   // of a library: where the image has one of that name, in a folder that is not searched
	// Start is what the image starts and Path is a part of, by way of libraries and
	// interpreters: "container.entrypoint", "the unit ssh.service". Where it is
	// empty, nothing that the image is known to start needs Path.
	Start string `json:"start,omitempty"`
}

// Certain reports whether something cannot work for want of what is missing: what
// the image starts, a program of it, or what the recipe itself put there. Anything
// else may lie in the image unused.
func (f *Finding) Certain() bool {
	return f.Start != "" || f.Program != "" || f.Own || f.Kind == NeedsCommand || f.Kind == NeedsInterpreter
}

// FactKey is what a fact is a function of.
type FactKey struct {
	Content kiln.Digest
	Sort    Sort
}

// Input is what Check looks at.
type Input struct {
	Tree     *tree.Tree
	Contents tree.Contents     // for the few files that are read as a whole
	Facts    map[FactKey]*Fact // of all files of the tree; nil for a file that needs nothing
	Path     []string          // folders in which env(1) and the container's command are looked for
	// LibraryPath is LD_LIBRARY_PATH, as folders.
	LibraryPath []string
	Commands    []Command // what engines start
	Units       []string  // that the recipe enables, by name
	Own         []string  // paths of files and links that the recipe makes one by one: not what stands in a folder that it takes
	Roots       []Root    // further files that are needed, for Needed
	// Later are folders that are filled when the image runs, beside those of the
	// kernel (see RunTime): volumes.
	Later []string
	// Machines are those whose programs the image's kernel runs; nil: all. What is for
	// another one, such as the libraries of a cross compiler, is data: nothing runs it here.
	Machines []elf.Machine
}

// Command is one program that an engine starts.
type Command struct {
	Recipe string   // part of the recipe: "container.entrypoint"
	Words  []string // program and arguments
}

// Root is a file that is needed.
type Root struct {
	Path string // with a leading slash
	Why  string
}

// RunTime lists the folders that the kernel, the engine or the init system fills
// when the image runs: what is below is not looked for.
func RunTime() []string { return []string{"/dev", "/proc", "/run", "/sys", "/var/run"} }

// Gather reads the facts of all files of a tree.
func Gather(t *tree.Tree, contents tree.Contents) (map[FactKey]*Fact, error) {
	facts := map[FactKey]*Fact{}
	for e := range t.All() {
		k := FactKey{e.Content, SortOf(&e)}
		if _, known := facts[k]; known || k.Sort == None {
			continue
		}
		f, err := ReadFrom(contents, &e)
		if err != nil {
			return nil, err
		}
		facts[k] = f
	}
	return facts, nil
}

// Check returns what is needed and missing, sorted by kind, path and what is
// missing.
func Check(in Input) []Finding {
	c := newChecker(in)
	c.starts()
	for e := range in.Tree.All() {
		switch f := c.factOf(&e); {
		case e.Type == tree.Symlink:
			c.link(&e)
		case f == nil || e.Hard:
		case f.ELF != nil:
			c.elf(&e, f.ELF)
		case f.Script != nil:
			c.script(&e, f.Script)
		case f.PAM != nil:
			c.pam(&e, f.PAM)
		}
	}
	c.libraries()
	c.checkUnits()
	return c.sorted()
}

// checker is one run of Check.
type checker struct {
	in       Input
	linker   *linker
	reached  map[string]string // paths that what the image starts needs: by what
	programs []*object         // ELF files that are started as programs
	rest     []*object         // and those that are not
	services map[string]string // of pam.d, whose programs the image starts: by what
	units    map[string][]unit // by manager
	found    map[question]*Finding
}

// question is what makes two findings one.
type question struct {
	kind                 Kind
	path, missing, place string
}

func newChecker(in Input) *checker {
	c := &checker{in: in, reached: map[string]string{}, services: map[string]string{}, units: map[string][]unit{}, found: map[question]*Finding{}}
	c.linker = newLinker(c)
	for _, m := range managers() {
		c.units[m] = c.unitsOf(m)
	}
	return c
}

// fact returns what the file at a path says, nil where that is nothing.
func (c *checker) fact(p string) *Fact {
	e, ok := c.in.Tree.Lookup(p)
	if !ok {
		return nil
	}
	return c.factOf(&e)
}

func (c *checker) factOf(e *tree.Entry) *Fact {
	return c.in.Facts[FactKey{e.Content, SortOf(e)}]
}

// content reads a file of the tree.
func (in *Input) content(p string) ([]byte, error) {
	e, ok := in.Tree.Lookup(p)
	if !ok || e.Type != tree.File {
		return nil, fs.ErrNotExist
	}
	r, err := in.Contents.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// there looks for a path: real is where it leads, and missing what is not there of
// it, with a leading slash. Both are empty for what comes when the image runs.
func (c *checker) there(p string) (real, missing string) {
	if c.later(p) {
		return "", ""
	}
	real, err := c.in.Tree.Resolve(p)
	if err == nil {
		return real, ""
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		missing = at.Path
	} else {
		missing = p // a loop, or a file in the place of a folder
	}
	if c.later(missing) {
		return "", ""
	}
	return "", missing
}

// later reports whether a path is below a folder that is filled at run time.
func (c *checker) later(p string) bool {
	for _, list := range [][]string{RunTime(), c.in.Later} {
		for _, dir := range list {
			if rest, ok := strings.CutPrefix(p, strings.TrimSuffix(dir, "/")); ok && (rest == "" || rest[0] == '/') {
				return true
			}
		}
	}
	return false
}

// inPath looks for a program as a shell does.
func (c *checker) inPath(name string, folders []string) (real string, ok bool) {
	if strings.Contains(name, "/") {
		real, missing := c.there(name)
		return real, missing == ""
	}
	for _, dir := range folders {
		if real, missing := c.there(strings.TrimSuffix(dir, "/") + "/" + name); missing == "" && real != "" {
			if e, _ := c.in.Tree.Lookup(real); e.Type == tree.File {
				return real, true
			}
		}
	}
	return "", false
}

// add keeps a finding about e, once.
func (c *checker) add(e *tree.Entry, f Finding) {
	f.Path, f.Package, f.Recipe = tree.Absolute(e.Path), e.Origin.Package, e.Origin.Recipe
	f.Own = slices.Contains(c.in.Own, f.Path)
	if f.Start == "" {
		f.Start = c.reached[e.Path]
	}
	c.keep(f)
}

func (c *checker) keep(f Finding) {
	q := question{f.Kind, f.Path, f.Missing, f.Place}
	old := c.found[q]
	if old == nil {
		c.found[q] = &f
		return
	}
	old.Start, old.Program = cmp.Or(old.Start, f.Start), cmp.Or(old.Program, f.Program)
}

func (c *checker) sorted() []Finding {
	var all []Finding
	for _, f := range c.found { // sorted below
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Missing, b.Missing), cmp.Compare(a.Place, b.Place))
	})
	return all
}
