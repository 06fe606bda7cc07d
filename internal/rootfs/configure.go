package rootfs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// configure installs the layer's packages over what the layers below are, scripts
// and all, as dpkg does. What the recipe drops is there meanwhile, for scripts to
// work on; what the rules drop is not, as with dpkg's path-exclude.
func (a *assembly) configure(ctx context.Context, l *layer) error {
	before, err := a.ground(l)
	if err != nil {
		return err
	}
	job := a.in.Sink.Start(kiln.StepConfigure, a.subject(l), 0)
	if after, touched, ok := a.lay(l, before); ok {
		a.below = a.layKey(l)
		job.Finish()
		return a.settle(l, before, after, touched)
	}
	after, state, err := a.configureOnce(ctx, l, before)
	switch {
	case err != nil:
		job.Fail()
		return err
	case state == kiln.Cached:
		job.Cached()
	default:
		job.Finish()
	}
	a.copyAhead(l, after)
	return a.settle(l, before, after, nil)
}

// install has maint install the layer's packages.
func (a *assembly) install(ctx context.Context, l *layer, before *tree.Tree) (*maint.Result, error) {
	packages, err := a.maintPackages(l)
	if err != nil {
		return nil, err
	}
	res, err := maint.Install(ctx, maint.Input{
		Tree:     before,
		Contents: a.contents,
		Packages: packages,
		Arch:     a.arch,
		Epoch:    l.epoch,
		Answers:  a.answers(),
		Enable:   a.enables,
		Linkage:  a.contents.linkage,
		Memo:     a.memo(),
		Hooks: maint.Hooks{
			Accounts:    func(fs *vfs.FS) error { return a.mergeAccounts(l, fs) },
			Configuring: func(fs *vfs.FS) error { return a.begin(l, fs) },
			Configured:  func(fs *vfs.FS) error { return a.finish(l, fs) },
		},
	})
	if err != nil {
		return nil, configureError(err)
	}
	for d, content := range res.Made { // a set
		a.contents.made[d] = content
	}
	a.report.add(res)
	return res, nil
}

// begin puts the recipe's files before the first package is configured.
func (a *assembly) begin(l *layer, fs *vfs.FS) error {
	a.noteLooked(l, fs, false)
	if err := a.putFiles(l, fs); err != nil {
		return err
	}
	for _, p := range slices.Concat(l.made, a.recipeFiles(l)) {
		fs.Forget(p.entry.Path)
	}
	return nil
}

// configureError makes the reader's fault of what the scripts' author did: the
// recipe can do without the script or the package.
func configureError(err error) error {
	var known *kiln.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &kiln.Error{Code: kiln.User, Text: "cannot configure the packages: " + err.Error(), Err: err}
}

// ground is the tree that the layer's packages come to: the layers below, and
// in the first one what kiln makes by itself.
func (a *assembly) ground(l *layer) (*tree.Tree, error) {
	t := a.world
	if l.index > 0 {
		return t, nil
	}
	for _, p := range l.made {
		if p.entry.Origin.Rule == "" {
			continue
		}
		if err := l.insertAll(t, p.entry); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// insertAll inserts e and the directories above it, these as the layer will have
// them.
func (l *layer) insertAll(t *tree.Tree, e tree.Entry) error {
	if up := tree.Parent(e.Path); up != "." {
		if _, ok := t.Lookup(up); !ok {
			if err := l.insertAll(t, l.directory(t, up)); err != nil {
				return err
			}
		}
	}
	if old, ok := t.Lookup(e.Path); ok && old.Type == tree.Dir && e.Type == tree.Dir {
		return nil
	}
	if err := t.Insert(e); err != nil {
		return &kiln.Error{Code: kiln.Bug, Text: "bug: " + err.Error(), Err: err}
	}
	return nil
}

// maintPackages lists the packages of the layer and of those below, these as
// installed.
func (a *assembly) maintPackages(l *layer) ([]maint.Package, error) {
	var units []*unit
	for _, other := range a.layers[:l.index+1] {
		units = append(units, other.units...)
	}
	all, errs := make([]maint.Package, len(units)), make([]error, len(units))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, u := range units {
		group.Go(func() error {
			files, err := a.controlFiles(u)
			if err != nil {
				errs[i] = unpackError(u, err)
				return nil
			}
			all[i] = maint.Package{
				ID: u.ID, Info: u.pkg, Paragraph: u.control, Files: files,
				Entries: a.entries(u), Skip: u.skip, Installed: u.layer != l,
			}
			return nil
		})
	}
	_ = group.Wait() // of several errors, the first package's is reported
	if err := cmp.Or(errs...); err != nil {
		return nil, err
	}
	return maint.InOrder(all), nil
}

// controlFiles reads the members of the package's control archive, which stand
// together in its content blob.
func (a *assembly) controlFiles(u *unit) ([]deb.ControlFile, error) {
	blob, err := a.store.OpenAt(u.ix.Content)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	files := make([]deb.ControlFile, 0, len(u.ix.Files))
	for _, f := range u.ix.Files {
		content := make([]byte, f.Size)
		if _, err := blob.ReadAt(content, f.Offset); err != nil {
			return nil, a.store.Damaged(u.ix.Content, err)
		}
		if got := kiln.DigestOf(content); got != f.Digest {
			return nil, a.store.Damaged(u.ix.Content, fmt.Errorf("the piece %s has the digest %s", f.Digest, got))
		}
		files = append(files, deb.ControlFile{Name: f.Name, Mode: f.Mode, Content: content})
	}
	return files, nil
}

// entries returns what of the package is put into the tree before scripts run, in
// archive order. Where the first name of hard links is not among them, the next
// one becomes the first.
func (a *assembly) entries(u *unit) []tree.Entry {
	list := make([]tree.Entry, 0, len(u.places))
	firsts := u.firsts()
	above := u.above()
	for _, p := range u.places {
		excluded := p.excluded && (p.entry.Type != tree.Dir || !above[p.entry.Path])
		if !excluded && !p.gone && !a.givesWay(p) {
			list = append(list, p.relinked(firsts))
		}
	}
	return list
}

// firsts is for relinked: it holds the first name, as shipped, of each file of the
// package that has several, which few have.
func (u *unit) firsts() map[string]string {
	var firsts map[string]string
	for _, p := range u.places {
		if p.entry.Hard {
			if firsts == nil {
				firsts = map[string]string{}
			}
			firsts[p.entry.Link] = ""
		}
	}
	return firsts
}

// above returns the directories in which something of the package is that no rule
// leaves out: they come along, as with dpkg. It is nil where rules leave nothing out.
func (u *unit) above() map[string]bool {
	if !slices.ContainsFunc(u.places, func(p *place) bool { return p.excluded }) {
		return nil
	}
	dirs := map[string]bool{}
	for _, p := range u.places {
		if p.excluded || p.gone {
			continue
		}
		for dir := tree.Parent(p.entry.Path); dir != "." && !dirs[dir]; dir = tree.Parent(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// givesWay reports whether the recipe leaves the entry out and another package's,
// or a rule's, is at its path.
func (a *assembly) givesWay(p *place) bool {
	if p.dropped == "" || p.entry.Type == tree.Dir {
		return false
	}
	c := a.claims[p.entry.Path]
	return c != nil && c != p && c.unit != p.unit && (c.unit != nil || c.entry.Origin.Rule != "")
}

// relinked returns p's entry as one of a series in which firsts has, of each file
// that has several names, the first one as shipped, and the one that came first here, if any did.
func (p *place) relinked(firsts map[string]string) tree.Entry {
	e := p.entry
	if e.Type != tree.File {
		return e
	}
	inode := p.shipped
	if e.Hard {
		inode = e.Link
	}
	first, several := firsts[inode]
	if several && first == "" {
		firsts[inode] = e.Path
	}
	e.Hard, e.Link = first != "", first
	return e
}

// finish does what follows the last script of a layer.
func (a *assembly) finish(l *layer, fs *vfs.FS) error {
	a.noteLooked(l, fs, true)
	if err := a.checkContested(l, fs); err != nil {
		return err
	}
	if err := a.checkMerged(l); err != nil {
		return err
	}
	if err := a.lateMembers(l, fs); err != nil {
		return err
	}
	if l.index == len(a.layers)-1 {
		if err := a.enableUnits(fs); err != nil {
			return err
		}
	}
	return a.finishFiles(l, fs)
}
