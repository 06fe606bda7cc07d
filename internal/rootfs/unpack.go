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
	"kiln/internal/store"
)

// unpackFormat is the version of index and of all that goes into one.
const unpackFormat = 5

// unit is a package of the image.
type unit struct {
	Package
	ix      *index
	control *deb.Paragraph
	pkg     *deb.Package // of control
	want    *want        // of the recipe; nil for a mere dependency
	layer   *layer
	skip    []string // scripts that the recipe skips
	places  []*place
	foreign bool // of another architecture than the platform's
	fresh   bool // unpacked just now
}

// String names the package for people: with its architecture only where another
// of the same name may be about.
func (u *unit) String() string {
	if u.pkg != nil && u.pkg.MultiArch == "same" {
		return u.ID.Name + ":" + u.ID.Architecture
	}
	return u.ID.Name
}

func byID(a, b *unit) int {
	return cmp.Or(
		cmp.Compare(a.ID.Name, b.ID.Name),
		cmp.Compare(a.ID.Architecture, b.ID.Architecture),
		cmp.Compare(a.ID.Version, b.ID.Version))
}

// unpack gets the index of every package, in all cores, the largest first. The
// error is that of the first package by name, whichever failed first.
func (a *assembly) unpack(ctx context.Context) error {
	for _, p := range a.in.Packages {
		foreign := p.ID.Architecture != a.arch && p.ID.Architecture != "all"
		a.units = append(a.units, &unit{Package: p, foreign: foreign})
	}
	slices.SortFunc(a.units, byID)
	a.byName = make(map[string][]*unit, len(a.units))
	for _, u := range a.units {
		a.byName[u.ID.Name] = append(a.byName[u.ID.Name], u)
	}
	work := slices.Clone(a.units)
	sizes := map[*unit]int64{}
	for _, u := range work {
		size, err := a.store.Size(u.Deb)
		if err != nil {
			return unpackError(u, err)
		}
		sizes[u] = size
	}
	slices.SortStableFunc(work, func(x, y *unit) int { return cmp.Compare(sizes[y], sizes[x]) })
	a.readIndexes(work, sizes)
	errs := make(map[*unit]*error, len(work))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, u := range work {
		errs[u] = new(error)
		failed := errs[u]
		group.Go(func() error {
			*failed = a.unpackUnit(ctx, u, sizes[u])
			return nil
		})
	}
	_ = group.Wait() // each error is in errs
	a.contents.pieces, a.claims = make(map[kiln.Digest]piece, a.shippedCount()), make(map[string]*place, a.shippedCount())
	for _, u := range a.units {
		if err := *errs[u]; err != nil {
			return unpackError(u, err)
		}
		a.contents.add(u.ix)
		a.documents.add(u.ix)
	}
	return nil
}

// readAtOnce is how many indexes are read at a time: of those that the page cache does not
// hold, the disk brings several as soon as one.
const readAtOnce = 8

// readIndexes reads those that the store has.
func (a *assembly) readIndexes(units []*unit, sizes map[*unit]int64) {
	var group errgroup.Group
	group.SetLimit(readAtOnce)
	for _, u := range units {
		group.Go(func() error {
			if u.ix = cachedIndex(a.store, u.key()); u.ix != nil {
				a.in.Sink.Send(kiln.Event{Step: kiln.StepUnpack, State: kiln.Cached, Subject: u.subject(), Done: sizes[u], Total: sizes[u]})
			}
			return nil
		})
	}
	_ = group.Wait() // one that cannot be read is made
}

// key is the action key of unpacking the package.
func (u *unit) key() kiln.Digest {
	return kiln.DigestOf(fmt.Appendf(nil, "kiln unpack %d\n%s\n", unpackFormat, u.Deb))
}

// subject names the package in events.
func (u *unit) subject() string { return u.ID.Name + " " + u.ID.Version }

// shippedCount is how many entries the packages have in all, as long as their indexes hold them.
func (a *assembly) shippedCount() int {
	n := 0
	for _, u := range a.units {
		if u.ix != nil {
			n += len(u.ix.Entries)
		}
	}
	return n
}

func unpackError(u *unit, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &kiln.Error{
		Code: kiln.CodeOf(err),
		Text: fmt.Sprintf("cannot unpack the package %q: %v", u.ID, err),
		Err:  err,
	}
}

// badDeb is err as verification's no: what is wrong with a .deb that has the right
// digest is wrong with the archive. Errors of the store keep what they say.
func badDeb(err error) error {
	var known *kiln.Error
	if errors.As(err, &known) && (known.Code != kiln.Refused || len(kiln.HintsOf(err)) > 0) {
		return err
	}
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  err.Error(),
		Hints: []string{"tell the owner of the archive, or ask for a sound version in the recipe: version: \"= ...\""},
		Err:   err,
	}
}

// unpackUnit fills u, unless its index was read, out of its .deb, which has size bytes.
func (a *assembly) unpackUnit(ctx context.Context, u *unit, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.ix == nil {
		job, key := a.in.Sink.Start(kiln.StepUnpack, u.subject(), size), u.key()
		if err := job.End(a.store.Once(ctx, key, func() error { return a.unpackOnce(u, key, job) })); err != nil {
			return err
		}
	}
	return u.readControl()
}

// cachedIndex returns nil where anything of the result is missing.
func cachedIndex(st *store.Store, key kiln.Digest) *index {
	b, ok := st.Result(key)
	if !ok {
		return nil
	}
	ix, err := decodeIndex(b)
	if err != nil || !st.Has(ix.Content) {
		return nil
	}
	return ix
}

// unpackOnce runs while nobody else unpacks the same package.
func (a *assembly) unpackOnce(u *unit, key kiln.Digest, job *kiln.Job) error {
	if u.ix = cachedIndex(a.store, key); u.ix != nil { // another build did it meanwhile
		job.Cached()
		return nil
	}
	blob, err := a.store.Verified(u.Deb)
	if err != nil {
		return err
	}
	defer blob.Close()
	others := a.decoding.Add(1) - 1
	defer a.decoding.Add(-1)
	// A package that comes when others are done has their processors to itself.
	workers := runtime.GOMAXPROCS(0) - int(others)
	if u.ix, err = unpackDeb(a.store, told{blob, job}, blob.Size(), workers); err != nil {
		return badDeb(err)
	}
	u.fresh = true
	return a.store.SetResult(key, u.ix.encode())
}

// readControl parses the control paragraph and compares it with the lock, so that
// a .deb never passes as another package.
func (u *unit) readControl() error {
	p, err := parseControl(u.ix.Control)
	if err != nil {
		return err
	}
	u.control = p
	if u.pkg, err = deb.ParsePackage(p); err != nil {
		return err
	}
	is := kiln.PackageID{Name: u.pkg.Name, Version: u.pkg.Version, Architecture: u.pkg.Architecture}
	if is != u.ID {
		return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("the .deb holds the package %q", is)}
	}
	return nil
}
