package dpkgtool

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

const diversionsFile = "/var/lib/dpkg/diversions"

// Diversion is one entry of dpkg's diversions: the file that packages other than
// Package ship as From goes to To. Package is ":" for a local diversion.
type Diversion struct{ From, To, Package string }

// ParseDiversions reads /var/lib/dpkg/diversions.
func ParseDiversions(text []byte) ([]Diversion, error) {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(text) == 0 {
		return nil, nil
	}
	if len(lines)%3 != 0 {
		return nil, fmt.Errorf("cannot read the diversions: %d lines are not a multiple of 3", len(lines))
	}
	var all []Diversion
	for l := range slices.Chunk(lines, 3) {
		all = append(all, Diversion{l[0], l[1], l[2]})
	}
	return all, nil
}

// PrintDiversions is the inverse of ParseDiversions. The order is dpkg's: that of
// its table of file names.
func PrintDiversions(all []Diversion) []byte {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b Diversion) int { return compareHashed(a.From, b.From) })
	var b strings.Builder
	for _, d := range sorted {
		b.WriteString(d.From + "\n" + d.To + "\n" + d.Package + "\n")
	}
	return []byte(b.String())
}

// compareHashed orders file names as dpkg's lib/dpkg/fsys-hash.c lists them: by
// bin, the bin being the FNV-1a hash of the name without its leading slash.
func compareHashed(a, b string) int { return fsysBin(a) - fsysBin(b) }

func fsysBin(name string) int {
	const bins = 262139
	h := uint32(2166136261)
	for _, c := range []byte(strings.TrimLeft(name, "/")) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h % bins)
}

// DpkgDivert is dpkg-divert(1).
func DpkgDivert(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add remove list listpackage truename package= local divert= rename no-rename quiet test no-act admindir= instdir= root=")
	if err != nil {
		return 2, err
	}
	if o.Has("test") || o.Has("no-act") || o.Has("admindir") || o.Has("instdir") || o.Has("root") {
		return 2, c.Unhonoured("dry runs and other roots are for people at a prompt")
	}
	text, err := c.FS.ReadIfThere(diversionsFile)
	if err != nil {
		return 2, err
	}
	all, err := ParseDiversions(text)
	if err != nil {
		return 2, c.Unhonoured("%s", err)
	}
	d := &diverter{c: c, o: o, all: all, pkg: ownPackage(c, o)}
	if o.Has("list") {
		return d.list()
	}
	if len(o.Rest) != 1 || !strings.HasPrefix(o.Rest[0], "/") {
		return c.Complain(2, "error: needs a single absolute file name")
	}
	d.file = o.Rest[0]
	switch {
	case o.Has("listpackage"):
		return d.listPackage()
	case o.Has("truename"):
		return d.truename()
	case o.Has("remove"):
		return d.remove()
	}
	return d.add()
}

// ownPackage is whom a diversion is for: --package, --local, or the package of
// the script that runs. "" means any.
func ownPackage(c *command.Call, o command.Options) string {
	if o.Has("local") {
		return ":"
	}
	name, _, _ := strings.Cut(c.Machine.Package, ":")
	return o.Value("package", name)
}

type diverter struct {
	c         *command.Call
	o         command.Options
	all       []Diversion
	pkg, file string
}

func (d *diverter) find() (Diversion, bool) {
	i := slices.IndexFunc(d.all, func(v Diversion) bool { return v.From == d.file })
	if i < 0 {
		return Diversion{}, false
	}
	return d.all[i], true
}

func (d *diverter) describe(v Diversion) string {
	if v.Package == ":" {
		return "local diversion of " + v.From + " to " + v.To
	}
	return "diversion of " + v.From + " to " + v.To + " by " + v.Package
}

func (d *diverter) inform(format string, args ...any) {
	if !d.o.Has("quiet") {
		d.c.Say(format, args...)
	}
}

func (d *diverter) save() error {
	return d.c.FS.WriteFile(diversionsFile, PrintDiversions(d.all), 0o644)
}

func (d *diverter) add() (int, error) {
	to := d.o.Value("divert", d.file+".distrib")
	pkg := d.pkg
	if pkg == "" {
		pkg = ":"
	}
	v := Diversion{d.file, to, pkg}
	if old, ok := d.find(); ok {
		if old == v {
			d.inform("Leaving '%s'", d.describe(old))
			return 0, nil
		}
		return d.c.Complain(2, "error: '%s' clashes with '%s'", d.describe(v), d.describe(old))
	}
	if clash := slices.IndexFunc(d.all, func(o Diversion) bool { return o.To == to || o.From == to || o.To == d.file }); clash >= 0 {
		return d.c.Complain(2, "error: '%s' clashes with '%s'", d.describe(v), d.describe(d.all[clash]))
	}
	if d.c.FS.IsDir(d.file) && !d.c.FS.IsLink(d.file) {
		return d.c.Complain(2, "error: cannot divert directories")
	}
	d.inform("Adding '%s'", d.describe(v))
	if status := d.rename(v.From, v.To, pkg); status != 0 {
		return status, nil
	}
	d.all = append(d.all, v)
	return 0, d.save()
}

func (d *diverter) remove() (int, error) {
	v, ok := d.find()
	if !ok {
		d.inform("No diversion '%s', none removed.", d.anyDiversion())
		return 0, nil
	}
	if to := d.o.Value("divert", v.To); to != v.To {
		return d.c.Complain(2, "error: mismatch on divert-to\n  when removing '%s'\n  found '%s'", d.anyDiversion(), d.describe(v))
	}
	if d.pkg != "" && d.pkg != v.Package {
		return d.c.Complain(2, "error: mismatch on package\n  when removing '%s'\n  found '%s'", d.anyDiversion(), d.describe(v))
	}
	d.inform("Removing '%s'", d.describe(v))
	if status := d.rename(v.To, v.From, ""); status != 0 {
		return status, nil
	}
	d.all = slices.DeleteFunc(d.all, func(o Diversion) bool { return o == v })
	return 0, d.save()
}

func (d *diverter) anyDiversion() string {
	switch d.pkg {
	case "":
		return "any diversion of " + d.file
	case ":":
		return "local diversion of " + d.file
	}
	return "diversion of " + d.file + " by " + d.pkg
}

// rename moves the file, unless asked not to. The file of the package that
// diverts stays: it is the others' that moves. The status is not 0 when another
// file is in the way.
func (d *diverter) rename(from, to, owner string) int {
	if d.o.Has("no-rename") || !d.c.FS.Present(from) || d.owns(owner, from) {
		return 0
	}
	if d.c.FS.Present(to) {
		status, _ := d.c.Complain(2, "error: rename involves overwriting '%s' with\n  different file '%s', not allowed", to, from)
		return status
	}
	if err := d.c.FS.Rename(from, to); err != nil {
		status, _ := d.c.Complain(2, "error: cannot rename '%s' to '%s': %v", from, to, err)
		return status
	}
	return 0
}

func (d *diverter) owns(pkg, file string) bool {
	if pkg == "" || pkg == ":" {
		return false
	}
	st, ok := d.c.Machine.Packages.Lookup(pkg)
	return ok && slices.Contains(st.Files, file)
}

func (d *diverter) list() (int, error) {
	for _, v := range d.all {
		match := len(d.o.Rest) == 0
		for _, p := range d.o.Rest {
			for _, name := range []string{v.From, v.To, v.Package} {
				match = match || command.Fnmatch(p, name)
			}
		}
		if match {
			d.c.Say("%s", d.describe(v))
		}
	}
	return 0, nil
}

func (d *diverter) listPackage() (int, error) {
	if v, ok := d.find(); ok {
		if v.Package == ":" {
			d.c.Say("LOCAL")
		} else {
			d.c.Say("%s", v.Package)
		}
	}
	return 0, nil
}

func (d *diverter) truename() (int, error) {
	if v, ok := d.find(); ok {
		d.c.Say("%s", v.To)
	} else {
		d.c.Say("%s", d.file)
	}
	return 0, nil
}
