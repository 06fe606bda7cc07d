// Scripts measures how long the maintainer scripts of a recipe's packages take to
// interpret, and whether every run gives the same tree. The packages are locked
// and fetched first, into a store of its own.
//
//	go run ./bench/scripts [-runs 50] [RECIPE...]
//
// The default recipes are bench/recipes/minbase and bench/recipes/server. It finds
// the mirror as kiln does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

func main() {
	runs := flag.Int("runs", 50, "how often to assemble each recipe's tree")
	cpu := flag.String("cpuprofile", "", "`file` for a profile of the runs' processor time, for go tool pprof")
	memory := flag.String("memprofile", "", "`file` for a profile of what was allocated in all")
	flag.Parse()
	debug.SetGCPercent(400) // as cmd/kiln does
	debug.SetMemoryLimit(320 << 20)
	recipes := flag.Args()
	if len(recipes) == 0 {
		recipes = []string{"bench/recipes/minbase", "bench/recipes/server"}
	}
	for _, path := range recipes {
		if err := measure(path, *runs, *cpu); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := saveAllocations(*memory); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func saveAllocations(file string) error {
	if file == "" {
		return nil
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	return pprof.Lookup("allocs").WriteTo(out, 0)
}

// bench is one recipe being measured.
type bench struct {
	path   string
	recipe *recipe.Recipe
	family *debian.Family
	watch  *watch
	lock   *lock.Lock
	about  string      // the recipe as it stands, in a line
	tree   kiln.Digest // of what run assembles; empty before the first
}

// measure assembles one recipe's tree over and over: with nothing that earlier runs
// kept, and as after a change of the recipe, when what scripts compile is at hand.
func measure(path string, runs int, profile string) error {
	dir, err := os.MkdirTemp("", "kiln-scripts")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(path, dir)
	if err != nil {
		return err
	}
	defer b.family.Store.Close()
	fmt.Printf("%s, %d runs\n", b.about, runs)
	if profile != "" {
		out, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, build := range []string{"", "bench"} {
		b.family.Build = build
		took, err := b.run(runs)
		if err != nil {
			return err
		}
		fmt.Println(map[string]string{"": "  with nothing kept:", "bench": "  after an edit:"}[build])
		show("time", took, func(s spent) time.Duration { return s.wall })
		show("processor time", took, func(s spent) time.Duration { return s.cpu })
	}
	return nil
}

func show(name string, took []spent, of func(spent) time.Duration) {
	var all []time.Duration
	for _, s := range took {
		all = append(all, of(s).Round(time.Millisecond))
	}
	first := all[0]
	slices.Sort(all)
	fmt.Printf("    %s: first %v, least %v, median %v, most %v\n", name, first, all[0], all[len(all)/2], all[len(all)-1])
}

// newBench locks the recipe, and fetches and unpacks its packages, into a store in
// dir.
func newBench(path, dir string) (*bench, error) {
	st, err := store.Open(filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		return nil, err
	}
	b := &bench{path: path, watch: &watch{}}
	if b.recipe, err = recipe.Load(path); err != nil {
		return nil, err
	}
	b.family = &debian.Family{
		Store: st, Now: time.Now, Sink: b.watch.see,
		Mirrors: apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")},
	}
	options := bake.LockOptions{Family: b.family, Recipe: b.recipe, Path: filepath.Join(dir, "kiln.lock")}
	e, err := bake.Explain(context.Background(), options, b.recipe.Platforms[0])
	if err != nil {
		return nil, err
	}
	b.lock = e.Lock
	b.about = fmt.Sprintf("%s: %d packages, %d scripts run, %d entries, the tree %s", path, len(e.Packages), len(e.Runs), e.Tree.Len(), e.Tree.Digest())
	b.recipe.Groups = append(b.recipe.Groups, recipe.Group{Name: "bench", GID: 60999})
	return b, nil
}

// run assembles the tree so many times, each time after an edit of the recipe that
// its scripts could see: the reason of a group is another one.
func (b *bench) run(runs int) ([]spent, error) {
	var took []spent
	for i := range runs {
		b.recipe.Groups[len(b.recipe.Groups)-1].Why = fmt.Sprintf("it makes run %d another one", i)
		b.watch.spent = spent{}
		root, err := b.family.Assemble(context.Background(), b.recipe, b.lock, b.recipe.Platforms[0], nil, nil)
		if err != nil {
			return nil, err
		}
		got := root.Tree.Digest()
		if b.tree == "" {
			b.tree = got
		}
		if got != b.tree {
			return nil, fmt.Errorf("%s: one run gave the tree %s, another %s", b.path, got, b.tree)
		}
		took = append(took, b.watch.spent)
	}
	return took, nil
}

// watch adds up the time between the beginning and the end of configuring layers.
type watch struct {
	since    time.Time
	cpuSince time.Duration
	spent    spent
}

// spent is time by the clock, and that of all processors: the one to compare where
// the machine is busy.
type spent struct{ wall, cpu time.Duration }

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (w *watch) see(e kiln.Event) {
	switch {
	case e.Step != kiln.StepConfigure:
	case e.State == kiln.Started:
		w.since, w.cpuSince = time.Now(), cpuTime()
	case e.State == kiln.Finished:
		w.spent.wall += time.Since(w.since)
		w.spent.cpu += cpuTime() - w.cpuSince
	}
}
