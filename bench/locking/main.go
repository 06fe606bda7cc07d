// Locking measures what kiln lock does once the network is done: parsing the
// package indexes, loading them as listings, resolving a recipe's wants, and all
// of that together against a state of the archive that is locked.
//
//	go run ./bench/locking [-runs 20] [RECIPE...]
//
// The default recipe is bench/recipes/server. It finds the mirror as kiln does,
// and keeps what it fetches in a store of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
	"kiln/internal/store"
)

func main() {
	runs := flag.Int("runs", 20, "how often to measure each step")
	flag.Parse()
	recipes := flag.Args()
	if len(recipes) == 0 {
		recipes = []string{"bench/recipes/server"}
	}
	for _, path := range recipes {
		if err := measure(path, *runs); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// bench is one recipe, locked once.
type bench struct {
	dir    string
	store  *store.Store
	recipe *recipe.Recipe
	lock   *lock.Lock
	runs   int
}

func measure(path string, runs int) error {
	dir, err := os.MkdirTemp("", "kiln-locking")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, runs: runs}
	if b.recipe, err = recipe.Load(path); err != nil {
		return err
	}
	if b.store, err = store.Open(filepath.Join(dir, "store"), store.Options{}); err != nil {
		return err
	}
	defer b.store.Close()
	if b.lock, err = b.family(b.store).Lock(context.Background(), b.recipe, nil, bake.Update{}); err != nil {
		return err
	}
	for _, p := range b.recipe.Platforms {
		fmt.Printf("%s, %s: %d packages, of %d archives\n", path, p, len(b.lock.Platforms[p].Packages), len(b.lock.Archives))
	}
	for _, step := range []func() error{b.parse, b.load, b.resolve, b.again} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) family(st *store.Store) *debian.Family {
	return &debian.Family{Store: st, Now: time.Now, Mirrors: apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")}}
}

// again resolves all platforms against the locked archive state, with nothing pinned.
func (b *bench) again() error {
	loose := &lock.Lock{Format: b.lock.Format, Archives: b.lock.Archives, Platforms: map[kiln.Platform]*lock.Platform{}}
	return b.time("lock again, archive state locked", func() error {
		l, err := b.family(b.store).Lock(context.Background(), b.recipe, loose, bake.Update{})
		if err == nil && string(l.Marshal()) != string(b.lock.Marshal()) {
			err = fmt.Errorf("another lock came out than before")
		}
		return err
	})
}

// parse reads all indexes in a store that has them, but no listings.
func (b *bench) parse() error {
	n := 0
	return b.time("parse cold", func() error {
		n++
		st, err := store.Open(filepath.Join(b.dir, fmt.Sprint("cold", n)), store.Options{})
		if err != nil {
			return err
		}
		defer st.Close()
		if err := b.copyIndexes(st); err != nil {
			return err
		}
		_, err = b.stocks(st)
		return err
	})
}

func (b *bench) copyIndexes(to *store.Store) error {
	for _, a := range b.lock.Archives {
		for _, p := range a.Pockets {
			for _, ix := range p.Indexes {
				data, err := b.store.ReadAll(kiln.Digest("sha256:" + ix.SHA256))
				if err != nil {
					return err
				}
				if _, _, err := to.PutBytes(data); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load opens all listings.
func (b *bench) load() error {
	return b.time("load warm", func() error {
		_, err := b.stocks(b.store)
		return err
	})
}

// stocks reads all indexes of the lock, one after the other.
func (b *bench) stocks(st *store.Store) ([]resolve.Stock, error) {
	client := &apt.Client{Store: st}
	var stocks []resolve.Stock
	for _, a := range b.lock.Archives {
		for _, p := range a.Pockets {
			for _, ix := range p.Indexes {
				d, err := kiln.DigestFromHex(ix.SHA256)
				if err != nil {
					return nil, err
				}
				list, err := client.Packages(context.Background(), apt.Pocket{}, apt.Index{Path: ix.Path, Digest: d, Size: ix.Size})
				if err != nil {
					return nil, err
				}
				stocks = append(stocks, resolve.Stock{List: list, Archive: a.Name + "/" + p.Suite, Source: a.Name})
			}
		}
	}
	return stocks, nil
}

// resolve finds the set of the first platform in listings that are open.
func (b *bench) resolve() error {
	stocks, err := b.stocks(b.store)
	if err != nil {
		return err
	}
	req := resolve.Request{Arch: b.recipe.Platforms[0].Architecture, Essential: b.recipe.Essential}
	for _, layer := range b.recipe.Layers {
		for _, p := range layer.Packages {
			req.Wants = append(req.Wants, resolve.Want{Name: p.Name})
		}
	}
	return b.time("resolve", func() error {
		_, err := resolve.Resolve(context.Background(), resolve.Join(stocks), req)
		return err
	})
}

// time runs do over and over and prints how long it took, and how much of it this
// process was computing.
func (b *bench) time(what string, do func() error) error {
	var took, busy []time.Duration
	for range b.runs {
		before, start := computed(), time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("cannot %s: %w", what, err)
		}
		took, busy = append(took, time.Since(start)), append(busy, computed()-before)
	}
	slices.Sort(took)
	slices.Sort(busy)
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	fmt.Printf("  %-34s median %v, least %v, most %v; processor time median %v, least %v\n",
		what+":", round(took[b.runs/2]), round(took[0]), round(took[b.runs-1]), round(busy[b.runs/2]), round(busy[0]))
	return nil
}

// computed is the processor time of this process so far.
func computed() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("bug: cannot tell the processor time: %v", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
