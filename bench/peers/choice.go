package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/lock"
	"kiln/internal/store"
)

// maxDeb is the largest .deb of the growing image, in bytes: one font or driver of
// hundreds of megabytes would hide what number of packages does.
const maxDeb = 5 << 20

// choice puts packages into an order of which each beginning is a set that can be
// installed: what a package needs stands before it.
type choice struct {
	byName map[string]*deb.Package
	state  map[string]int // 1: being looked at, 2: in the list, 3: not to be had
	list   []string
}

const (
	visiting = iota + 1
	chosen
	refused
)

// choose lists at least n packages: first those of a lock (minbase), then libraries
// in an order that has nothing to do with names or sizes, so that each beginning of
// the list is a fair sample. What conflicts with anything is left out.
func choose(all []*deb.Package, base []lock.Package, n int) []string {
	c := &choice{byName: map[string]*deb.Package{}, state: map[string]int{}}
	for _, p := range all {
		if old := c.byName[p.Name]; old == nil || deb.Compare(old.Version, p.Version) < 0 {
			c.byName[p.Name] = p
		}
	}
	inBase := map[string]bool{}
	for _, p := range base {
		inBase[p.Name] = true
	}
	if inBase["base-files"] { // first, as debootstrap has it: scripts want its folders
		c.take("base-files", inBase)
	}
	for _, p := range base {
		c.take(p.Name, inBase)
	}
	for _, name := range c.libraries() {
		if len(c.list) >= n {
			break
		}
		c.take(name, inBase)
	}
	return c.list[:min(n, len(c.list))]
}

// libraries lists the names of shared libraries by the hash of the name.
func (c *choice) libraries() []string {
	var names []string
	for name, p := range c.byName {
		if p.Section == "libs" && strings.HasPrefix(name, "lib") && !strings.HasSuffix(name, "-cross") { // not what is for other machines
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		a, b := sha256.Sum256([]byte(x)), sha256.Sum256([]byte(y))
		return cmp.Or(slices.Compare(a[:], b[:]), cmp.Compare(x, y))
	})
	return names
}

// take adds a package behind all that it needs, and says whether it could. Packages
// that need each other count as there while they are looked at.
func (c *choice) take(name string, sure map[string]bool) bool {
	switch c.state[name] {
	case visiting, chosen:
		return true
	case refused:
		return false
	}
	p := c.byName[name]
	if p == nil || !sure[name] && (p.Size > maxDeb || len(p.Conflicts) > 0 || len(p.Breaks) > 0 || p.Essential) {
		c.state[name] = refused
		return false
	}
	c.state[name] = visiting
	before := len(c.list)
	for _, d := range slices.Concat(p.PreDepends, p.Depends) {
		if !slices.ContainsFunc(d, func(r deb.Relation) bool { return r.Qualifier == "" && c.take(r.Name, sure) }) && !sure[name] {
			c.drop(before)
			c.state[name] = refused
			return false
		}
	}
	c.state[name] = chosen
	c.list = append(c.list, name)
	return true
}

// drop takes back what was added since the list had n names.
func (c *choice) drop(n int) {
	for _, name := range c.list[n:] {
		delete(c.state, name)
	}
	c.list = c.list[:n]
}

// candidates reads the index that a lock names out of the kept store.
func (b *bench) candidates(ctx context.Context, l *lock.Lock) ([]*deb.Package, error) {
	st, err := store.Open(b.fetched, store.Options{})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	client := &apt.Client{Store: st, Now: time.Now()}
	var all []*deb.Package
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			for _, ix := range p.Indexes {
				list, err := client.Packages(ctx, apt.Pocket{Archive: a.Name, Name: p.Name, Suite: p.Suite, Components: []string{ix.Component}}, apt.Index{
					Component: ix.Component, Architecture: ix.Architecture, Path: ix.Path, Digest: kiln.Digest("sha256:" + ix.SHA256), Size: ix.Size,
				})
				if err != nil {
					return nil, err
				}
				for i := range list.Len() {
					all = append(all, list.Package(i))
				}
			}
		}
	}
	return all, nil
}
