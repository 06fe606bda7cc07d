// Package system is what the system section of a recipe comes to in an image that
// boots: the layers that it adds, what is written for systemd in them, and the
// arguments of the kernel. Each has the part of the recipe that it is for, and the
// reason. It knows systemd and the kernel, and no package family; no I/O.
//
// The root is read-only and verified. /var is a partition of its own where the recipe
// has a state, which systemd-repart makes at the first boot, and else is in memory;
// what the image has there is its seed. See docs/design/005-systems.md.
package system

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/recipe"
)

// Folders and names in the image.
const (
	Factory    = "usr/share/factory/var" // what the image has in /var, in the root of a disk
	StateLabel = "state"                 // of the state partition
	units      = "/usr/lib/systemd/system/"
	seedRules  = "/usr/lib/kiln/seed.conf"
	seedUnit   = "kiln-seed.service"
	kept       = "/var/lib/kiln" // of what is seeded and managed: the machine's own
	passing    = "/run/kiln"     // of what is volatile
)

// Extend returns the recipe with the layers that an image that boots has on top: one
// with these packages, and one with what is written for systemd. A package that the
// recipe lists itself is left where it is. A recipe of no such image is returned as it is.
func Extend(r *recipe.Recipe, packages []recipe.Package) *recipe.Recipe {
	if !r.Boots() {
		return r
	}
	listed := map[string]bool{}
	for _, l := range r.Layers {
		for _, p := range l.Packages {
			listed[p.Name] = true
		}
	}
	more := *r
	more.Essential = true
	more.Layers = append(slices.Clone(r.Layers),
		recipe.Layer{Name: recipe.KernelLayer, Packages: slices.DeleteFunc(slices.Clone(packages), func(p recipe.Package) bool { return listed[p.Name] })},
		recipe.Layer{Name: recipe.SystemLayer, Files: Files(r)})
	return &more
}

// Argument is an argument of the kernel, with the part of the recipe that it is of.
type Argument struct {
	Arg   string `json:"arg"`
	Why   string `json:"why"`
	Place string `json:"recipe"`
}

// Arguments are those of the kernel on one platform but for those that the disk sets:
// first the profile's, then the recipe's.
func Arguments(r *recipe.Recipe, p kiln.Platform) []Argument {
	var all []Argument
	add := func(place, arg, why string) { all = append(all, Argument{arg, why, place}) }
	profile := "system.profile"
	if r.System.Profile != recipe.Metal {
		serial := "console=ttyS0"
		if strings.HasPrefix(p.Architecture, "arm") {
			serial = "console=ttyAMA0"
		}
		add(profile, "console=tty0", "messages go to the screen")
		add(profile, serial, "and to the serial line, which hypervisors keep; the last named is /dev/console")
	}
	add("system.kernel", "panic=30", "a kernel that cannot go on starts anew, and the firmware's next choice has its turn")
	if r.System.Disk.State != nil {
		add("system.disk.state", "systemd.machine_id=firmware", "the machine is the same one after a restart: the journal that it keeps goes on, and so does its lease of an address")
	}
	var denied []string
	for _, m := range r.System.Modules.Deny {
		denied = append(denied, recipe.Underscored(m.Module))
	}
	if denied != nil {
		add("system.modules.deny", "module_blacklist="+strings.Join(denied, ","), "the kernel itself refuses what the recipe denies, in the initrd, too")
	}
	for i, a := range r.System.Cmdline {
		add(fmt.Sprintf("system.cmdline[%d]", i), a.Arg, a.Why)
	}
	return all
}

// Words are the arguments as the command line has them.
func Words(list []Argument) []string {
	var words []string
	for _, a := range list {
		words = append(words, a.Arg)
	}
	return words
}
