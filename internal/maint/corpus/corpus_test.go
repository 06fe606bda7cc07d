package corpus_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/resolve"
	"kiln/internal/tree"
)

// epoch is what all installations take for now.
const epoch = 1_700_000_000

// What is asked of all packages, and of those that have scripts of their own.
const (
	leastShare    = 0.97
	leastScripted = 0.97
)

// Of the packages that are most likely to be in an image, at least 97 of a hundred
// are interpreted to the end: the package and all that it depends on, Essential
// packages included, as the resolver picks them, is installed without an error.
// testdata/failures.txt lists those that are not, each with its reason; another
// failure than these fails the test, and so does a line that is not true any more.
func TestCorpus(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs a Debian mirror: set KILN_TEST=real")
	}
	ctx, clock := context.Background(), newClock(t)
	a := openArchive(t)
	list := choose(a.index)
	if len(list) != chosen {
		t.Fatalf("%d packages are chosen, want %d", len(list), chosen)
	}
	clock.lap("index read")
	sets, err := a.resolve(ctx, list)
	if err != nil {
		t.Fatal(err)
	}
	clock.lap("%d closures resolved, while %d packages come", len(sets), len(a.arrivals))
	found, err := a.install(ctx, sets)
	if err != nil {
		t.Fatal(err)
	}
	clock.lap("installed; %d MiB of contents kept", a.files.end>>20)
	report(t, found)
}

// clock tells how long the parts of the test take.
type clock struct {
	t    *testing.T
	last time.Time
}

func newClock(t *testing.T) *clock { return &clock{t, time.Now()} }

func (c *clock) lap(format string, args ...any) {
	c.t.Helper()
	c.t.Logf("%5.1fs "+format, append([]any{time.Since(c.last).Seconds()}, args...)...)
	c.last = time.Now()
}

// set is a package and all that it depends on; name is empty for the Essential
// packages alone.
type set struct {
	name    string
	members []*deb.Package
}

// resolve finds the closure of every package, and first that of no package: what
// is Essential. What is in one is fetched from then on.
func (a *archive) resolve(ctx context.Context, list []*deb.Package) ([]set, error) {
	sets := make([]set, len(list)+1)
	for i, p := range list {
		sets[i+1].name = p.Name
	}
	transfers := ctx // outlives the group
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range sets {
		group.Go(func() error {
			req := resolve.Request{Arch: "amd64", Essential: true}
			if sets[i].name != "" {
				req.Wants = []resolve.Want{{Name: sets[i].name}}
			}
			sol, err := resolve.Resolve(ctx, a.solver, req)
			if err != nil {
				return err
			}
			for _, c := range sol.Packages {
				sets[i].members = append(sets[i].members, c.Package)
				a.need(transfers, c.Package)
			}
			return nil
		})
	}
	return sets, group.Wait()
}

// outcome is what became of one package; err is nil where all was interpreted.
type outcome struct {
	name     string
	scripted bool // it has maintainer scripts that an installation runs
	err      error
}

// install installs every set by itself, on top of the Essential packages, which
// are installed once: all sets hold them.
func (a *archive) install(ctx context.Context, sets []set) ([]outcome, error) {
	in, err := a.input(ctx, sets[0], nil, nil)
	if err != nil {
		return nil, err
	}
	base, err := maint.Install(ctx, in)
	if err != nil {
		return nil, err
	}
	found := make([]outcome, len(sets)-1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some wait for packages
	for i, s := range sets[1:] {
		group.Go(func() error {
			in, err := a.input(ctx, s, sets[0].members, base)
			if err != nil {
				return err
			}
			a.processors <- struct{}{}
			defer func() { <-a.processors }()
			_, err = maint.Install(ctx, in)
			found[i] = outcome{s.name, scripted(in.Packages, s.name), err}
			return nil
		})
	}
	return found, group.Wait()
}

// input is what Install needs for a set on top of base, when all of it is there.
func (a *archive) input(ctx context.Context, s set, below []*deb.Package, base *maint.Result) (maint.Input, error) {
	in := maint.Input{Tree: tree.New(), Contents: a.files, Arch: "amd64", Epoch: epoch}
	if base != nil {
		in.Tree, in.Contents = base.Tree, base.Contents
	}
	for _, m := range s.members {
		there, err := a.wait(ctx, m)
		if err != nil {
			return in, err
		}
		p := *there
		p.Installed = slices.Contains(below, m)
		in.Packages = append(in.Packages, p)
	}
	if base == nil {
		bootstrap(in.Packages)
	}
	return in, nil
}

// bootstrap puts base-files first, with the directories and links that the others
// count on, and marks all as those whose files are there before any script runs:
// it is called for Essential packages and what they depend on.
func bootstrap(list []maint.Package) {
	for i := range list {
		list[i].Bootstrap = true
	}
	slices.SortStableFunc(list, func(x, y maint.Package) int {
		if first := x.ID.Name == "base-files"; first != (y.ID.Name == "base-files") {
			return map[bool]int{true: -1, false: 1}[first]
		}
		return strings.Compare(x.ID.Name, y.ID.Name)
	})
}
