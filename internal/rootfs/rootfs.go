// Package rootfs makes a root file system out of locked Debian packages and a
// recipe, layer by layer, without running anything (maintainer scripts are
// interpreted by maint, over the tree) and without touching the host:
// packages come out of the store, the recipe's own files through a file system
// that is handed in. It refuses what could mean two things: a path that two
// packages own, an archive that reaches outside of the tree, a maintainer script
// that cannot be honoured, a pattern that matches nothing.
//
// What is in a layer depends on the layer's own packages, its recipe parts and
// the rules. Only what the layers below decide about shared directories (their
// mode and owner, and which paths are links), and what scripts find there, reaches
// further up, as it does when dpkg unpacks one package after the other.
package rootfs

import (
	"context"
	"fmt"
	"io/fs"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/harden"
	"kiln/internal/linkage"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Input is all that Assemble works from.
type Input struct {
	Platform kiln.Platform
	Recipe   *recipe.Recipe
	Packages []Package             // of this platform, from the lock, in any order
	Files    fs.FS                 // the recipe's folder, confined to it as os.Root.FS is; nil where the recipe takes no file of the host
	Stages   map[string]*tree.Tree // what each stage of the recipe made, its contents in the store
	// Early is told, once all packages are unpacked, of the members of those that had not
	// been before, as they are if no script touches them. It may keep what it is given. May be nil.
	Early func(layer string, m tree.Member, c tree.Contents)
	Build string // names the build of kiln, whose results only it may take; empty: none are kept
	Sink  kiln.Sink
}

// Package is one locked package.
type Package struct {
	ID         kiln.PackageID
	Deb        kiln.Digest // the .deb, a blob of the store
	RequiredBy []string    // names of packages, "recipe", "essential"
}

// Image is a root file system.
type Image struct {
	Layers   []tree.Layer
	Tree     *tree.Tree // the layers merged
	Contents tree.Contents
	Epoch    kiln.Epoch // newest of the layers
	Accounts *Accounts
	User     string      // container.user with its names resolved: "65532:65532"; empty where the recipe names none
	Units    []Unit      // that packages want enabled or the recipe enables, by name
	Packages []Described // by name, architecture and version
	Report   Report
	// Linkage tells what a content says as an ELF file, where that is known without a
	// look into it: f is nil for no ELF file.
	Linkage func(content kiln.Digest) (f *linkage.File, known bool)
}

// Assemble makes the image of one platform. Packages that were never unpacked
// are, and what comes of it is kept in the store; errors are *kiln.Error.
func Assemble(ctx context.Context, st *store.Store, in Input) (*Image, error) {
	a, err := newAssembly(st, in)
	if err != nil {
		return nil, err
	}
	return a.assemble(ctx)
}

func (a *assembly) assemble(ctx context.Context) (_ *Image, err error) {
	defer func() {
		if saved := a.saving.Wait(); err == nil {
			err = saved
		}
	}()
	if err := a.unpack(ctx); err != nil {
		return nil, err
	}
	if err := a.readSkips(); err != nil {
		return nil, err
	}
	if err := a.plan(); err != nil {
		return nil, err
	}
	if err := a.readAccounts(); err != nil {
		return nil, err
	}
	if err := a.place(); err != nil {
		return nil, err
	}
	if err := a.checkAnswers(); err != nil {
		return nil, err
	}
	a.foretell()
	for _, l := range a.layers {
		if err := a.configure(ctx, l); err != nil {
			return nil, err
		}
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return a.image(ctx)
}

// assembly is one run of Assemble.
type assembly struct {
	in        Input
	store     *store.Store
	arch      string // Debian's name of the platform's architecture
	accounts  *Accounts
	user      string
	rules     []Rule // that are on
	harden    []harden.Use
	units     []*unit
	byName    map[string][]*unit // by name in the archive, of several architectures
	layers    []*layer
	decoding  atomic.Int32 // .debs under decoding
	contents  *contents
	documents documents
	compiled  *memo
	skeleton  *skeleton
	claims    map[string]*place // who has a path in the image
	contested []*conflict       // paths of two packages of which one may divert the other's
	merged    bool              // the recipe's accounts are among those of packages
	below     kiln.Digest       // key of what the layer below came to; empty where that is not kept
	world     *tree.Tree        // the layers configured so far, nothing dropped but by rules
	spare     chan *tree.Tree   // a copy of world that the next layer's files can be laid over; nil: none
	report    report
	saving    errgroup.Group // what configuring gave, to the store
}

func newAssembly(st *store.Store, in Input) (*assembly, error) {
	if len(in.Recipe.Layers) == 0 {
		return nil, userError("cannot assemble the image: the recipe has no layers")
	}
	a := &assembly{in: in, store: st, world: tree.New(), documents: documents{files: map[string]kiln.Digest{}, links: map[string]string{}}}
	a.contents = &contents{store: st, pieces: map[kiln.Digest]piece{}, made: tree.Bytes{}}
	a.compiled = &memo{store: st, build: in.Build, sizes: map[kiln.Digest]int64{}}
	var err error
	if a.arch, err = deb.Architecture(in.Platform); err != nil {
		return nil, err
	}
	if a.rules, err = rulesOf(in.Recipe); err != nil {
		return nil, err
	}
	a.harden, err = a.hardenUses()
	return a, err
}

// readAccounts makes the accounts of an image in which no package does.
func (a *assembly) readAccounts() (err error) {
	if a.makesPasswd() {
		return checkAccounts(a.in.Recipe)
	}
	a.accounts, err = newAccounts(a.in.Recipe)
	return err
}

// check finds what only the configured tree tells.
func (a *assembly) check() error {
	if err := a.unused(); err != nil {
		return err
	}
	if err := a.checkUnits(); err != nil {
		return err
	}
	var err error
	if a.accounts, err = a.readAccountTree(); err != nil {
		return err
	}
	u := a.in.Recipe.Container.User
	if u == "" {
		return nil
	}
	uid, gid, err := a.accounts.Owner(u)
	if err != nil {
		return userError("cannot resolve container.user: %v", err)
	}
	a.user = fmt.Sprintf("%d:%d", uid, gid)
	return nil
}

// image makes the layers out of what was placed.
func (a *assembly) image(ctx context.Context) (*Image, error) {
	img := &Image{Tree: tree.Sized(a.world.Len()), Contents: a.contents, Accounts: a.accounts, User: a.user, Units: a.unitWishes(), Packages: a.described(), Linkage: a.contents.linkage}
	for _, l := range a.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		job := a.in.Sink.Start(kiln.StepAssemble, a.subject(l), 0)
		made, err := a.makeLayer(l, img.Tree)
		if err != nil {
			return nil, err
		}
		if err := img.add(made); err != nil {
			return nil, err
		}
		job.Finish()
	}
	last, err := a.databaseLayer(img)
	if err != nil {
		return nil, err
	}
	if last != nil {
		if err := img.add(last); err != nil {
			return nil, err
		}
	}
	if err := a.addHarden(img); err != nil {
		return nil, err
	}
	img.Tree.SortLike(a.world)
	img.Report = a.makeReport()
	return img, nil
}

// add puts a layer on top.
func (img *Image) add(l *tree.Layer) error {
	if err := img.Tree.Apply(*l); err != nil {
		return &kiln.Error{Code: kiln.Bug, Text: fmt.Sprintf("bug: the layers do not fit: %v", err), Err: err}
	}
	img.Layers = append(img.Layers, *l)
	img.Epoch = max(img.Epoch, l.Epoch)
	return nil
}

func userError(format string, args ...any) *kiln.Error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf(format, args...)}
}
