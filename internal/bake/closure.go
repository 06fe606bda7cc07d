package bake

import (
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/closure"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Finding is something that a file of the image needs and that the image does not
// have, and what the recipe says to that.
type Finding struct {
	closure.Finding
	Accepted string `json:"accepted,omitempty"` // place in the recipe: "closure.accept[0]"
}

// needs is what the files of an image say of what they need. Those of a member that
// are read for it are kept in the store: a package is looked into once.
func needs(ctx context.Context, st *store.Store, root *Root) (map[closure.FactKey]*closure.Fact, error) {
	var members []tree.Member
	for _, l := range root.Layers {
		members = append(members, l.Members...)
	}
	found := make([][]keptFact, len(members))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range members {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			found[i], err = factsOf(st, root, m)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := map[closure.FactKey]*closure.Fact{}
	for _, list := range found {
		for _, f := range list {
			all[f.Key] = f.Fact
		}
	}
	return all, nil
}

// keptFact is what the store keeps of one content.
type keptFact struct {
	Key  closure.FactKey
	Fact *closure.Fact
}

// factsOf recalls or makes the facts of one member.
func factsOf(st *store.Store, root *Root, m tree.Member) ([]keptFact, error) {
	var known []keptFact
	var unknown []*tree.Entry
	seen := map[closure.FactKey]bool{}
	for i := range m.Entries {
		e := &m.Entries[i]
		k := closure.FactKey{Content: e.Content, Sort: closure.SortOf(e)}
		if k.Sort == closure.None || seen[k] {
			continue
		}
		seen[k] = true
		if root.Linkage != nil {
			if f, inspected := root.Linkage(e.Content); inspected && f != nil && k.Sort.ELF() {
				known = append(known, keptFact{k, closure.OfELF(f)})
				continue
			} else if inspected && k.Sort == closure.Library {
				continue
			}
		}
		unknown = append(unknown, e)
	}
	if unknown == nil {
		return known, nil
	}
	read, err := readFacts(st, root.Contents, unknown)
	return append(known, read...), err
}

// readFacts recalls or makes the facts of some files.
func readFacts(st *store.Store, contents tree.Contents, of []*tree.Entry) ([]keptFact, error) {
	inputs := []byte("kiln closure facts " + strconv.Itoa(closure.FactFormat) + "\n")
	for _, e := range of {
		inputs = append(append(append(inputs, byte(closure.SortOf(e))), e.Content...), '\n')
	}
	key := kiln.DigestOf(inputs)
	list := []keptFact{}
	if value, ok := st.Result(key); ok && json.Unmarshal(value, &list) == nil {
		return list, nil
	}
	for _, e := range of {
		f, err := closure.ReadFrom(contents, e)
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, keptFact{closure.FactKey{Content: e.Content, Sort: closure.SortOf(e)}, f})
		}
	}
	value, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("bug: cannot encode facts: %w", err)
	}
	return list, st.SetResult(key, value)
}

// machines are those whose programs a platform's kernel runs; nil where that is not known.
func machines(p kiln.Platform) []elf.Machine {
	return map[string][]elf.Machine{
		"amd64":   {elf.EM_X86_64, elf.EM_386},
		"386":     {elf.EM_386},
		"arm64":   {elf.EM_AARCH64, elf.EM_ARM},
		"arm":     {elf.EM_ARM},
		"ppc64le": {elf.EM_PPC64},
		"riscv64": {elf.EM_RISCV},
		"s390x":   {elf.EM_S390},
	}[p.Architecture]
}

// ClosureOf returns what package closure is to look at in an image.
func ClosureOf(ctx context.Context, st *store.Store, r *recipe.Recipe, p kiln.Platform, root *Root) (closure.Input, error) {
	found, err := needs(ctx, st, root)
	if err != nil {
		return closure.Input{}, err
	}
	in := closure.Input{Tree: root.Tree, Contents: root.Contents, Facts: found, Later: r.Container.Volumes, Machines: machines(p)}
	for _, line := range environment(r.Container.Env) {
		if list, ok := strings.CutPrefix(line, "PATH="); ok {
			in.Path = strings.Split(list, ":")
		}
		if list, ok := strings.CutPrefix(line, "LD_LIBRARY_PATH="); ok {
			in.LibraryPath = strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ';' })
		}
	}
	for _, l := range r.Layers {
		for _, f := range l.Files {
			if at, err := root.Tree.Locate(f.Path); err == nil {
				in.Own = append(in.Own, tree.Absolute(at)) // that of a folder is there, too, and lacks nothing
			}
		}
	}
	c := r.Container
	if len(c.Entrypoint) > 0 {
		in.Commands = append(in.Commands, closure.Command{Recipe: "container.entrypoint", Words: append(slices.Clone(c.Entrypoint), files(c.Command)...)})
	} else if len(c.Command) > 0 {
		in.Commands = append(in.Commands, closure.Command{Recipe: "container.command", Words: c.Command})
	}
	if h := c.Healthcheck; h != nil {
		in.Commands = append(in.Commands, closure.Command{Recipe: "container.healthcheck.command", Words: h.Command})
	}
	for _, u := range root.Units {
		if u.Enabled {
			in.Units = append(in.Units, u.Name)
		}
	}
	return in, nil
}

// files are those of the words that may name a file.
func files(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !path.IsAbs(w) })
}

// examine checks that the image has what its files need. What stops the build is
// the error; what does not is returned.
func (o Options) examine(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, root *Root) ([]Finding, error) {
	in, err := ClosureOf(ctx, o.Store, r, p, root)
	if err != nil {
		return nil, err
	}
	policy, places := policyOf(r, p)
	v := closure.Judge(closure.Check(in), policy)
	if len(v.Errors) > 0 {
		return nil, lacking(r, p, v.Errors, o.whereabouts(ctx, r, l, p))
	}
	if len(v.Unused) > 0 {
		return nil, unusedAcceptances(r, p, v, places)
	}
	var all []Finding
	for _, f := range v.Notes {
		all = append(all, Finding{Finding: f})
	}
	for _, a := range v.Accepted {
		all = append(all, Finding{a.Finding, places[a.By]})
	}
	return all, nil
}

// policyOf is what the recipe says for one platform, and where.
func policyOf(r *recipe.Recipe, p kiln.Platform) (closure.Policy, []string) {
	var policy closure.Policy
	var places []string
	for i, a := range r.Closure.Accept {
		if len(a.Platforms) == 0 || slices.Contains(a.Platforms, p) {
			policy.Accept = append(policy.Accept, closure.Acceptance{Path: a.Path, Missing: a.Missing})
			places = append(places, fmt.Sprintf("closure.accept[%d]", i))
		}
	}
	for _, k := range r.Closure.Strict {
		policy.Strict = append(policy.Strict, closure.Kind(k))
	}
	return policy, places
}
