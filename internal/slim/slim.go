// Package slim finds what an image could do without: packages and files of which
// nothing is known to need anything. It proposes and changes nothing. It goes by what
// programs, libraries and scripts say of themselves, and by what runs were seen to
// use; what was never seen and is written nowhere, it cannot know, and it names that
// risk with each proposal.
package slim

import (
	"cmp"
	"slices"
	"strings"

	"kiln/internal/closure"
	"kiln/internal/tree"
)

// Package is a package of the image.
type Package struct {
	Name       string   // as origins have it
	Recipe     string   // where the recipe lists it; empty for a mere dependency
	Why        string   // the recipe's reason
	RequiredBy []string // names of packages, "recipe", "essential"
}

// Input is what Propose works from.
type Input struct {
	Tree     *tree.Tree
	Packages []Package
	Facts    map[closure.FactKey]*closure.Fact
	Needed   map[string]string // see closure.Needed
	Traced   bool              // Needed has what real runs used: then data counts, too
}

// Action is what to change in the recipe.
type Action string

// The actions.
const (
	Remove  Action = "remove"  // the package's line
	Without Action = "without" // the edge from what requires the package
	Drop    Action = "drop"    // paths of the package
)

// Proposal is one change and what it saves.
type Proposal struct {
	Action   Action    `json:"action"`
	Package  string    `json:"package"`
	Recipe   string    `json:"recipe,omitempty"`   // where the recipe lists the package
	From     []string  `json:"from,omitempty"`     // packages that require it and stay: to take without it
	Along    []string  `json:"along,omitempty"`    // packages that go with it, as nothing else requires them
	Patterns []Pattern `json:"patterns,omitempty"` // those that save most first
	Bytes    int64     `json:"bytes"`              // of the files, as they are in the image
	Files    int       `json:"files"`
	Basis    string    `json:"basis"`
	Risk     string    `json:"risk"`
}

// Pattern is one to drop, and what that saves.
type Pattern struct {
	Path  string `json:"path"` // with "*" for the folder of an architecture
	Bytes int64  `json:"bytes"`
}

// Propose lists changes, those that save most first.
func Propose(in Input) []Proposal {
	s := &survey{in: in, files: map[string][]file{}, gone: map[string]bool{}, holds: map[string]*holding{}, packages: map[string]Package{}}
	for _, p := range in.Packages {
		s.packages[p.Name] = p
	}
	s.read()
	s.judge()
	var all []Proposal
	for _, p := range in.Packages {
		if s.leader(p.Name) != p.Name {
			continue
		}
		if made, ok := s.propose(p); ok {
			all = append(all, made)
		}
	}
	slices.SortStableFunc(all, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Package, b.Package))
	})
	return all
}

// file is a file or link of a package.
type file struct {
	path   string
	bytes  int64
	code   bool // a program or library that others name; plugins are opened by a path that nobody sees
	needed bool
}

// survey is one run of Propose.
type survey struct {
	in    Input
	files map[string][]file // by package
	gone  map[string]bool   // packages that nothing needs
	holds map[string]*holding
	// packages by name
	packages map[string]Package
}

// holding is what a folder has in it, at any depth.
type holding struct {
	owner  string // the only package; "" where there are several
	stays  bool   // something that is needed, or that is not to be judged
	bytes  int64
	number int
}

// read sorts the tree by packages and folders.
func (s *survey) read() {
	for e := range s.in.Tree.All() {
		if e.Type == tree.Dir {
			continue
		}
		f := file{path: e.Path, needed: s.in.Needed[e.Path] != "" || kept(e.Path)}
		fact := s.in.Facts[closure.FactKey{Content: e.Content, Sort: closure.SortOf(&e)}]
		f.code = closure.IsProgram(&e) || closure.IsLibrary(&e, fact)
		if e.Type == tree.File && !e.Hard {
			f.bytes = e.Size
		}
		owner := e.Origin.Package
		if owner != "" && e.Origin.Script == "" {
			s.files[owner] = append(s.files[owner], f)
		} else {
			f.needed = true // no pattern of a package is about it
		}
		s.hold(owner, f)
	}
}

// hold adds a file to all folders above it.
func (s *survey) hold(owner string, f file) {
	for dir := tree.Parent(f.path); dir != "."; dir = tree.Parent(dir) {
		h := s.holds[dir]
		if h == nil {
			h = &holding{owner: owner}
			s.holds[dir] = h
		}
		if h.owner != owner {
			h.owner = ""
		}
		h.stays = h.stays || !s.spare(f)
		h.bytes += f.bytes
		h.number++
	}
}

// spare reports whether the image can do without a file, as far as is known. Of
// data only a trace tells.
func (s *survey) spare(f file) bool { return !f.needed && (f.code || s.in.Traced) }

// kept reports whether a file is there for others than the image's own programs:
// licences, the package database, accounts.
func kept(p string) bool {
	return licence(p) || strings.HasPrefix(p, "var/lib/dpkg/") || slices.Contains([]string{"etc/os-release", "usr/lib/os-release", "etc/debian_version", "etc/passwd", "etc/group"}, p)
}

func licence(p string) bool {
	return strings.HasPrefix(p, "usr/share/doc/") && strings.Contains(p, "/copyright")
}

// judge finds the packages of which nothing is needed. One of data alone is judged
// by a trace only.
func (s *survey) judge() {
	for _, p := range s.in.Packages {
		if slices.Contains(p.RequiredBy, "essential") {
			continue
		}
		judged, needed := false, false
		for _, f := range s.files[p.Name] {
			judged = judged || s.spare(f)
			needed = needed || f.needed && !licence(f.path)
		}
		s.gone[p.Name] = judged && !needed
	}
	for s.recallOne() {
	}
}

// recallOne has the packages stay through which alone something comes that stays,
// as a metapackage's parts do; it reports whether there was one.
func (s *survey) recallOne() bool {
	for _, p := range s.in.Packages {
		if s.gone[p.Name] || len(p.RequiredBy) == 0 || slices.ContainsFunc(p.RequiredBy, func(by string) bool { return !s.gone[by] }) {
			continue
		}
		for _, by := range p.RequiredBy {
			delete(s.gone, by)
		}
		return true
	}
	return false
}

func (s *survey) propose(p Package) (Proposal, bool) {
	if s.gone[p.Name] {
		return s.whole(p), true
	}
	made := Proposal{Action: Drop, Package: p.Name, Recipe: p.Recipe}
	made.Basis, made.Risk = s.reasons(p, true)
	covered := ""
	for _, f := range s.files[p.Name] {
		if !s.spare(f) || covered != "" && strings.HasPrefix(f.path, covered+"/") {
			continue
		}
		pattern := Pattern{tree.Absolute(f.path), f.bytes}
		files := 1
		if dir := s.widest(f, p.Name); dir != "" {
			covered = dir
			pattern = Pattern{tree.Absolute(dir) + "/**", s.holds[dir].bytes}
			files = s.holds[dir].number
		}
		pattern.Path = closure.Generic(pattern.Path)
		made.Patterns = append(made.Patterns, pattern)
		made.Bytes, made.Files = made.Bytes+pattern.Bytes, made.Files+files
	}
	slices.SortStableFunc(made.Patterns, func(a, b Pattern) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return made, made.Bytes > 0
}

// widest returns the largest folder around a file that has nothing in it but what
// the image can do without, of one package; "" for none.
func (s *survey) widest(f file, owner string) (best string) {
	for dir := tree.Parent(f.path); dir != "."; dir = tree.Parent(dir) {
		if h := s.holds[dir]; h.stays || h.owner != owner {
			break
		}
		best = dir
	}
	return best
}

// leader returns the package whose going takes a package along: itself, where it
// stays, where the recipe names it, or where something that stays requires it.
func (s *survey) leader(name string) string {
	seen := map[string]bool{}
	for at := name; !seen[at]; {
		seen[at] = true
		p := s.packages[at]
		if !s.gone[at] || p.Recipe != "" || len(p.RequiredBy) == 0 || slices.ContainsFunc(p.RequiredBy, func(by string) bool { return !s.gone[by] }) {
			return at
		}
		at = p.RequiredBy[0]
	}
	return name // they require each other, and nothing else does
}

// whole proposes that a package goes, with what goes along.
func (s *survey) whole(p Package) Proposal {
	made := Proposal{Action: Remove, Package: p.Name, Recipe: p.Recipe}
	made.Basis, made.Risk = s.reasons(p, false)
	for _, other := range s.in.Packages {
		if s.leader(other.Name) != p.Name {
			continue
		}
		if other.Name != p.Name {
			made.Along = append(made.Along, other.Name)
		}
		for _, f := range s.files[other.Name] {
			made.Bytes += f.bytes
			made.Files++
		}
	}
	for _, by := range p.RequiredBy {
		if by != "recipe" && !s.gone[by] {
			made.From = append(made.From, by)
		}
	}
	if made.From != nil {
		made.Action = Without
	}
	return made
}

// reasons tells what a proposal goes by, and what may be wrong with it.
func (s *survey) reasons(p Package, part bool) (basis, risk string) {
	subject := "nothing that the image starts or the recipe names"
	basis = subject + " is linked with it or starts it by name"
	risk = "a program that opens it by itself (dlopen) or calls it misses it: trace a run to know"
	if s.in.Traced {
		basis = subject + " needs it, and no traced run used it"
		risk = "what the traced runs did not do may need it"
	}
	if p.Recipe != "" && !part {
		risk += "; the recipe has it for a reason: " + p.Why
	}
	return basis, risk
}
