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
	"slices"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

func main() {
	runs := flag.Int("runs", 50, "how often to assemble each recipe's tree")
	flag.Parse()
	debug.SetGCPercent(400) // as cmd/kiln does
	debug.SetMemoryLimit(256 << 20)
	recipes := flag.Args()
	if len(recipes) == 0 {
		recipes = []string{"bench/recipes/minbase", "bench/recipes/server"}
	}
	for _, path := range recipes {
		if err := measure(path, *runs); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// measure assembles one recipe's tree over and over.
func measure(path string, runs int) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "kiln-scripts")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st, err := store.Open(filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := recipe.Load(path)
	if err != nil {
		return err
	}
	w := &watch{}
	f := &debian.Family{
		Store: st, Now: time.Now, Sink: w.see,
		Mirrors: apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")},
	}
	p := r.Platforms[0]
	e, err := bake.Explain(ctx, bake.LockOptions{Family: f, Recipe: r, Path: filepath.Join(dir, "kiln.lock")}, p)
	if err != nil {
		return err
	}
	var took []time.Duration
	for range runs {
		w.spent = 0
		root, err := f.Assemble(ctx, r, e.Lock, p)
		if err != nil {
			return err
		}
		if got, want := root.Tree.Digest(), e.Tree.Digest(); got != want {
			return fmt.Errorf("%s: one run gave the tree %s, another %s", path, got, want)
		}
		took = append(took, w.spent)
	}
	slices.Sort(took)
	fmt.Printf("%s: %d packages, %d scripts run, %d entries, %d runs, one tree %s\n", path, len(e.Packages), len(e.Runs), e.Tree.Len(), runs, e.Tree.Digest())
	fmt.Printf("  configuring: least %v, median %v, most %v\n", took[0].Round(time.Millisecond), took[runs/2].Round(time.Millisecond), took[runs-1].Round(time.Millisecond))
	return nil
}

// watch adds up the time between the beginning and the end of configuring layers.
type watch struct {
	since time.Time
	spent time.Duration
}

func (w *watch) see(e kiln.Event) {
	switch {
	case e.Step != kiln.StepConfigure:
	case e.State == kiln.Started:
		w.since = time.Now()
	case e.State == kiln.Finished:
		w.spent += time.Since(w.since)
	}
}
