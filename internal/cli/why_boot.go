package cli

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/recipe"
	"kiln/internal/system"
	"kiln/internal/tree"
)

// argAnswer tells of arguments of the kernel.
type argAnswer struct {
	Args []system.Argument `json:"args"`
	At   []recipeLine      `json:"recipe"` // of each
}

// moduleAnswer tells of a module of the kernel.
type moduleAnswer struct {
	Name   string      `json:"name"`             // as the kernel has it
	Path   string      `json:"path,omitempty"`   // in the image
	Denied *recipeLine `json:"denied,omitempty"` // where the recipe denies it
	Initrd *recipeLine `json:"initrd,omitempty"` // where it wants it in the initrd
}

// arg answers for the arguments of a name, or of a name and value; nil where there are none.
func (q *inquiry) arg(name string) *argAnswer {
	if !q.r.Boots() {
		return nil
	}
	a := &argAnswer{}
	for _, arg := range system.Arguments(q.r, q.e.Platform) {
		if arg.Arg == name || strings.HasPrefix(arg.Arg, name+"=") {
			a.Args, a.At = append(a.Args, arg), append(a.At, *q.line(arg.Place, arg.Why))
		}
	}
	if a.Args == nil {
		return nil
	}
	return a
}

func (q *inquiry) argNames() []string {
	if !q.r.Boots() {
		return nil
	}
	var names []string
	for _, arg := range system.Arguments(q.r, q.e.Platform) {
		name, _, _ := strings.Cut(arg.Arg, "=")
		names = append(names, arg.Arg, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *argAnswer) print(f facts) {
	for i, arg := range a.Args {
		f.add("argument", "%s", arg.Arg)
		f.add("recipe", "%s", &a.At[i])
	}
}

// module answers for a module; nil where neither the image has it nor the recipe names it.
func (q *inquiry) module(name string) *moduleAnswer {
	name = recipe.Underscored(name)
	a := &moduleAnswer{Name: name}
	at := func(key string, list []recipe.Module) *recipeLine {
		for i, m := range list {
			if recipe.Underscored(m.Module) == name {
				return q.line(fmt.Sprintf("system.modules.%s[%d]", key, i), m.Why)
			}
		}
		return nil
	}
	a.Denied, a.Initrd = at("deny", q.r.System.Modules.Deny), at("initrd", q.r.System.Modules.Initrd)
	if q.e.Tree != nil {
		for _, p := range q.e.Tree.Paths() {
			if is, ok := system.ModuleName(p); ok && is == name && strings.HasPrefix(p, "usr/lib/modules/") {
				a.Path = tree.Absolute(p)
			}
		}
	}
	if a.Denied == nil && a.Initrd == nil && a.Path == "" {
		return nil
	}
	return a
}

func (a *moduleAnswer) print(f facts, about string) {
	if a.Path != "" {
		f.add("file", "%s; of that tells: kiln why %s %s", a.Path, about, a.Path)
	}
	if a.Denied != nil {
		f.add("denied by", "%s", a.Denied)
		f.add("how", "the kernel refuses it (module_blacklist=), and modprobe does (/usr/lib/modprobe.d/kiln-deny-%s.conf)", a.Name)
	}
	if a.Initrd != nil {
		f.add("in the initrd", "%s", a.Initrd)
	}
}
