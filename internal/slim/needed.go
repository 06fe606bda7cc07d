package slim

import (
	"slices"

	"kiln/internal/closure"
	"kiln/internal/tree"
)

// Needed is closure.Needed with what stays in the image as further roots: programs
// and libraries of the packages that the recipe names, or that come as essential;
// and, unless traces tell, what nobody can judge by its name in packages that stay:
// plugins, and programs outside of PATH.
func Needed(in closure.Input, packages []Package, traced bool) map[string]string {
	r := &roots{in: in, stays: map[string]bool{}, judged: map[string]bool{}}
	for _, p := range packages {
		r.stays[p.Name] = p.Recipe != "" || slices.Contains(p.RequiredBy, "essential")
	}
	r.read()
	for _, f := range r.named {
		if r.stays[f.owner] {
			r.in.Roots = append(r.in.Roots, closure.Root{Path: tree.Absolute(f.path), Why: "the recipe names " + f.owner})
		}
	}
	if traced {
		return closure.Needed(r.in)
	}
	for _, p := range packages {
		r.stays[p.Name] = r.stays[p.Name] || !r.judged[p.Name]
	}
	for {
		r.addUnseen()
		needed := closure.Needed(r.in)
		if !r.spread(needed) {
			return needed
		}
	}
}

// roots finds what is needed in the end: a package that stays has plugins, whose
// libraries are of packages that stay.
type roots struct {
	in     closure.Input
	stays  map[string]bool // packages
	judged map[string]bool // packages with programs or libraries that others name
	named  []owned         // these
	unseen []owned         // plugins and other programs, until their package stays
}

type owned struct{ path, owner string }

func (r *roots) read() {
	for e := range r.in.Tree.All() {
		f := r.in.Facts[closure.FactKey{Content: e.Content, Sort: closure.SortOf(&e)}]
		o := owned{e.Path, e.Origin.Package}
		switch {
		case o.owner == "":
		case closure.IsProgram(&e) || closure.IsLibrary(&e, f):
			r.judged[o.owner] = true
			r.named = append(r.named, o)
		case f != nil && (f.ELF != nil || f.Script != nil):
			r.unseen = append(r.unseen, o)
		}
	}
}

// addUnseen makes roots of what stays.
func (r *roots) addUnseen() {
	r.unseen = slices.DeleteFunc(r.unseen, func(o owned) bool {
		if r.stays[o.owner] {
			r.in.Roots = append(r.in.Roots, closure.Root{Path: tree.Absolute(o.path), Why: "the package " + o.owner})
		}
		return r.stays[o.owner]
	})
}

// spread has the packages stay of which something is needed, and reports whether
// that makes further roots.
func (r *roots) spread(needed map[string]string) bool {
	for _, o := range r.named {
		if needed[o.path] != "" {
			r.stays[o.owner] = true
		}
	}
	return slices.ContainsFunc(r.unseen, func(o owned) bool { return r.stays[o.owner] })
}
