package rootfs

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/tree"
)

// The database of dpkg below var/lib/dpkg, as dpkg itself would have written it
// after installing the packages, less what was dropped: status, and in info/ the
// list, md5sums and conffiles of each package. Where dpkg itself is in the image,
// so is all else that it keeps: maintainer scripts for a later upgrade or removal, triggers,
// diversions, alternatives; without it nothing would read them. A layer has that
// where dpkg is in it or below it; what is below dpkg's own layer comes last.

const (
	databaseDir = "var/lib/dpkg"
	infoDir     = databaseDir + "/info"
)

// database returns the files of dpkg's database that tell of the layer's
// packages.
func (a *assembly) database(l *layer, dirs directories) ([]tree.Entry, error) {
	if len(l.units) == 0 {
		return nil, nil
	}
	entries := a.statusFiles(l.units, l.epoch)
	entries = append(entries, a.databaseFile(l.epoch, infoDir+"/format", []byte("1\n")))
	info, err := a.infoTexts(l.units, dirs)
	if err != nil {
		return nil, err
	}
	for i, u := range l.units {
		entries = append(entries, a.infoFiles(u, l.epoch, info[i])...)
		if a.dpkgReads(l) {
			entries = append(entries, u.controlEntries(l.epoch)...)
		}
	}
	tree.SortEntries(entries)
	for i := range entries {
		if c := a.claims[entries[i].Path]; c != nil {
			return nil, ownError(&place{entry: entries[i]}, c)
		}
	}
	return entries, nil
}

// infoText is what the package's files in info/ say; nil where it has no such file.
type infoText struct{ list, md5sums, conffiles []byte }

// infoTexts returns those of all the packages, made on all processors.
func (a *assembly) infoTexts(units []*unit, dirs directories) ([]infoText, error) {
	all, errs := make([]infoText, len(units)), make([]error, len(units))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, u := range units {
		group.Go(func() error {
			all[i], errs[i] = a.infoText(u, dirs)
			return nil
		})
	}
	_ = group.Wait() // of several errors, the first package's is reported
	return all, cmp.Or(errs...)
}

func (a *assembly) infoText(u *unit, dirs directories) (infoText, error) {
	sums, err := a.md5sums(u)
	return infoText{list: u.list(dirs), md5sums: sums, conffiles: u.conffileNames()}, err
}

// infoFiles returns the package's files in info/.
func (a *assembly) infoFiles(u *unit, epoch kiln.Epoch, text infoText) []tree.Entry {
	entries := []tree.Entry{a.infoFile(u, epoch, ".list", text.list)}
	if text.md5sums != nil {
		entries = append(entries, a.infoFile(u, epoch, ".md5sums", text.md5sums))
	}
	if text.conffiles != nil {
		entries = append(entries, a.infoFile(u, epoch, ".conffiles", text.conffiles))
	}
	return entries
}

// controlEntries returns the package's further files in info/: its maintainer
// scripts, triggers, templates and the like.
func (u *unit) controlEntries(epoch kiln.Epoch) []tree.Entry {
	var entries []tree.Entry
	for _, f := range u.ix.Files {
		if slices.Contains([]string{"list", "md5sums", "conffiles"}, f.Name) {
			continue
		}
		e := tree.Entry{Path: infoDir + "/" + u.infoName() + "." + f.Name, Type: tree.File, Mode: f.Mode, Size: f.Size, Content: f.Digest}
		e.ModTime, e.Origin = epoch, ruleOrigin("dpkg-database")
		entries = append(entries, e)
	}
	return entries
}

// lateFiles returns what the layers without dpkg, and below the one that brings it, do
// not have of its database: what is in a layer is no matter of those above.
func (a *assembly) lateFiles(l *layer, image *tree.Tree) []tree.Entry {
	if !a.dpkgReads(l) || a.hasPackage(a.layers[0], "dpkg") {
		return nil
	}
	var entries []tree.Entry
	for _, below := range a.layers {
		if a.hasPackage(below, "dpkg") {
			break
		}
		for _, u := range below.units {
			entries = append(entries, u.controlEntries(l.epoch)...)
		}
	}
	for e := range a.world.All() {
		there, ok := image.Lookup(e.Path)
		if isDatabase(e.Path) && e.Type != tree.Dir && a.keepsDatabase(l, e.Path) && !(ok && same(&e, &there)) {
			entries = append(entries, e)
		}
	}
	return entries
}

func (a *assembly) infoFile(u *unit, epoch kiln.Epoch, suffix string, content []byte) tree.Entry {
	return a.databaseFile(epoch, infoDir+"/"+u.infoName()+suffix, content)
}

// coveredFiles returns the files in info/ of the packages of which a later layer
// replaces something: their own layer tells what it holds, the whole database
// what the image holds.
func (a *assembly) coveredFiles(epoch kiln.Epoch) ([]tree.Entry, error) {
	var entries []tree.Entry
	for _, l := range a.layers {
		for _, u := range l.units {
			if slices.ContainsFunc(u.places, func(p *place) bool { return p.covered }) {
				files, err := a.correctedFiles(u, epoch, l.holds)
				if err != nil {
					return nil, err
				}
				entries = append(entries, files...)
			}
		}
	}
	return entries, nil
}

// correctedFiles returns the package's files in info/ without what is covered. One
// with nothing left to tell is made empty, or the one of its own layer would be seen.
func (a *assembly) correctedFiles(u *unit, epoch kiln.Epoch, dirs directories) ([]tree.Entry, error) {
	text, err := a.infoText(u, dirs)
	if err != nil {
		return nil, err
	}
	before := a.infoFiles(u, epoch, text)
	for _, p := range u.places {
		p.gone = p.gone || p.covered
	}
	if text, err = a.infoText(u, dirs); err != nil {
		return nil, err
	}
	entries := a.infoFiles(u, epoch, text)
	for _, old := range before {
		if !slices.ContainsFunc(entries, func(e tree.Entry) bool { return e.Path == old.Path }) {
			entries = append(entries, a.databaseFile(epoch, old.Path, nil))
		}
	}
	return entries, nil
}

// statusFiles returns status and, where there are packages of a foreign
// architecture, arch.
func (a *assembly) statusFiles(units []*unit, epoch kiln.Epoch) []tree.Entry {
	sorted := slices.Clone(units)
	slices.SortFunc(sorted, byID)
	texts := make([]string, len(sorted))
	each(len(texts), func(i int) { texts[i] = sorted[i].status() + "\n" })
	foreign := map[string]bool{}
	for _, u := range sorted {
		foreign[u.ID.Architecture] = true
	}
	delete(foreign, "all")
	delete(foreign, a.arch)
	entries := []tree.Entry{}
	if len(foreign) > 0 {
		arch := []byte(a.arch + "\n")
		for _, name := range sortedNames(foreign) {
			arch = append(arch, name+"\n"...)
		}
		entries = append(entries, a.databaseFile(epoch, databaseDir+"/arch", arch))
	}
	return append(entries, a.databaseFile(epoch, databaseDir+"/status", []byte(strings.Join(texts, ""))))
}

func (a *assembly) databaseFile(epoch kiln.Epoch, path string, content []byte) tree.Entry {
	e := a.contents.file(path, content)
	e.ModTime, e.Origin = epoch, ruleOrigin("dpkg-database")
	return e
}

// infoName is how the package's files in info/ are called.
func (u *unit) infoName() string {
	if u.pkg.MultiArch == "same" {
		return u.ID.Name + ":" + u.ID.Architecture
	}
	return u.ID.Name
}

// conffile is a line of the package's conffiles.
type conffile struct {
	deb.Conffile
	place *place // nil of one that is to go, and so is not in the package
}

// conffiles returns the package's configuration files that are in the image and
// those that are to go on an upgrade, in its own order.
func (u *unit) conffiles() []conffile {
	if len(u.ix.Conffiles) == 0 {
		return nil
	}
	byPath := map[string]*place{}
	for _, p := range u.places {
		byPath[p.shipped] = p
	}
	var there []conffile
	for _, c := range u.ix.Conffiles {
		p := byPath[strings.TrimPrefix(path.Clean(c.Path), "/")]
		switch {
		case c.RemoveOnUpgrade:
			there = append(there, conffile{Conffile: c})
		case p != nil && p.entry.Type == tree.File && p.listed():
			there = append(there, conffile{c, p})
		}
	}
	return there
}

// conffileNames lists them as info/ has it, nil where there are none.
func (u *unit) conffileNames() []byte {
	var b []byte
	for _, c := range u.conffiles() {
		if c.RemoveOnUpgrade {
			b = append(b, "remove-on-upgrade "...)
		}
		b = fmt.Appendln(b, c.Path)
	}
	return b
}

// listed reports whether what the package ships at p is in the image, perhaps by
// another's hand.
func (p *place) listed() bool { return p.dropped == "" && (!p.gone || p.shared) }

// list returns what of the package is in the image, as it names it, in archive
// order.
func (u *unit) list(dirs directories) []byte {
	var b []byte
	for _, p := range u.places {
		_, needed := dirs[p.entry.Path]
		switch {
		case p.shipped == ".":
			b = append(b, "/.\n"...)
		case p.listed(), p.entry.Type == tree.Dir && needed:
			b = append(append(append(b, '/'), p.shipped...), '\n')
		}
	}
	return b
}

// md5sums lists the package's files that are in the image: the package's own list
// less what is not, and where it has none, one like dh_md5sums makes.
func (a *assembly) md5sums(u *unit) ([]byte, error) {
	f := u.ix.file("md5sums")
	if f == nil {
		return u.makeMD5sums(), nil
	}
	text, err := a.contents.readAll(f.Digest)
	if err != nil {
		return nil, unpackError(u, err)
	}
	gone := map[string]bool{}
	for _, p := range u.places {
		if !p.listed() {
			gone[p.shipped] = true
		} else if len(gone) > 0 {
			delete(gone, p.shipped) // of one that is shipped twice, the last counts
		}
	}
	if len(gone) == 0 && len(text) > 0 {
		return text, nil
	}
	var b []byte
	for line := range bytes.Lines(text) {
		_, name, _ := strings.Cut(string(line), " ")
		if !gone[strings.TrimPrefix(strings.TrimSpace(name), "./")] {
			b = append(b, line...)
		}
	}
	return b, nil
}

func (u *unit) makeMD5sums() []byte {
	conffile := map[*place]bool{}
	for _, c := range u.conffiles() {
		conffile[c.place] = true
	}
	var lines []string
	for _, p := range u.places {
		if p.entry.Type == tree.File && p.listed() && !conffile[p] {
			lines = append(lines, fmt.Sprintf("%x  %s\n", p.md5, p.shipped))
		}
	}
	if lines == nil {
		return nil
	}
	slices.SortFunc(lines, func(x, y string) int { return strings.Compare(x[34:], y[34:]) })
	return []byte(strings.Join(lines, ""))
}
