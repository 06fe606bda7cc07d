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

// leastShare is what is asked of all packages. Those with scripts of their own have
// not come as far: leastScripted keeps them from falling back.
const (
	leastShare    = 0.97
	leastScripted = 0.945
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
	all := union(sets)
	clock.lap("%d closures resolved, %d packages in all", len(sets), len(all))
	if err := a.bring(ctx, all); err != nil {
		t.Fatal(err)
	}
	clock.lap("%d MiB downloaded, %d MiB unpacked", bytesOf(all)>>20, a.files.end>>20)
	found, err := a.install(ctx, sets)
	if err != nil {
		t.Fatal(err)
	}
	clock.lap("installed")
	report(t, a, found)
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
// is Essential.
func (a *archive) resolve(ctx context.Context, list []*deb.Package) ([]set, error) {
	sets := make([]set, len(list)+1)
	for i, p := range list {
		sets[i+1].name = p.Name
	}
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
			}
			return nil
		})
	}
	return sets, group.Wait()
}

// union lists the members of all sets once, the largest first: what takes longest
// should not come last.
func union(sets []set) []*deb.Package {
	seen := map[*deb.Package]bool{}
	var all []*deb.Package
	for _, s := range sets {
		for _, p := range s.members {
			if !seen[p] {
				seen[p] = true
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(x, y *deb.Package) int { return int(y.Size - x.Size) })
	return all
}

func bytesOf(list []*deb.Package) (sum int64) {
	for _, p := range list {
		sum += p.Size
	}
	return sum
}

// outcome is what became of one package; err is nil where all was interpreted.
type outcome struct {
	name string
	err  error
}

// install installs every set by itself, on top of the Essential packages, which
// are installed once: all sets hold them.
func (a *archive) install(ctx context.Context, sets []set) ([]outcome, error) {
	base, err := maint.Install(ctx, a.input(sets[0], nil, nil))
	if err != nil {
		return nil, err
	}
	found := make([]outcome, len(sets)-1)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sets[1:] {
		group.Go(func() error {
			_, err := maint.Install(ctx, a.input(s, sets[0].members, base))
			found[i] = outcome{s.name, err}
			return nil
		})
	}
	return found, group.Wait()
}

// input is what Install needs for a set on top of base.
func (a *archive) input(s set, below []*deb.Package, base *maint.Result) maint.Input {
	in := maint.Input{Tree: tree.New(), Contents: a.files, Arch: "amd64", Epoch: epoch}
	if base != nil {
		in.Tree, in.Contents = base.Tree, base.Contents
	}
	for _, m := range s.members {
		p := *a.packages[m.Name]
		p.Installed = slices.Contains(below, m)
		in.Packages = append(in.Packages, p)
	}
	if base == nil {
		bootstrap(in.Packages)
	}
	return in
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
