package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/harden"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// The rules of harden: come last. What they leave out, a layer is made without, as
// with a drop: scripts still find it. What they take the setuid bit off stays in
// its package's member. What they write is in a layer of its own on top, so that no
// layer below depends on it; that one is a function of the whole image.

// hardenName is the name of that layer.
const hardenName = "harden"

// hardenUses are the rules that the recipe names.
func (a *assembly) hardenUses() ([]harden.Use, error) {
	var uses []harden.Use
	for i, h := range a.in.Recipe.Harden {
		rule, ok := harden.Find(h.Name)
		if !ok {
			return nil, userError("harden[%d]: there is no rule %q", i, h.Name)
		}
		u := harden.Use{Rule: rule, Except: h.Except, Writable: h.Writable, Place: fmt.Sprintf("harden[%d]", i), Why: h.Why}
		u.Prepare()
		uses = append(uses, u)
	}
	return uses, nil
}

// hardenDrops returns the name of the rule that leaves the entry out.
func (a *assembly) hardenDrops(e *tree.Entry) string {
	for i := range a.harden {
		if a.harden[i].Drops(e) {
			return a.harden[i].Rule.Name
		}
	}
	return ""
}

// hardenReason is why the rule leaves things out.
func (a *assembly) hardenReason(name string) string {
	for i := range a.harden {
		if a.harden[i].Rule.Name == name {
			return a.harden[i].Origin().Why
		}
	}
	return ""
}

// checkHarden refuses files of the recipe that a rule would leave out.
func (a *assembly) checkHarden() error {
	for _, l := range a.layers {
		for _, p := range l.made {
			for i := range a.harden {
				u := &a.harden[i]
				if p.entry.Origin.Recipe == "" || p.entry.Type == tree.Dir || u.Rule.Name == "no-docs" {
					continue
				}
				switch {
				case u.Drops(&p.entry):
					return harden.Conflict(u, tree.Absolute(p.entry.Path), p.entry.Origin.Recipe, "leaves out")
				case u.Clears(&p.entry):
					return harden.Conflict(u, tree.Absolute(p.entry.Path), p.entry.Origin.Recipe, "takes the setuid bit off")
				}
			}
		}
	}
	return nil
}

// clearBits takes setuid and setgid bits off a layer's entries, all names of a file
// alike: an exception for one of them is one for all.
func (a *assembly) clearBits(members []tree.Member) {
	i := slices.IndexFunc(a.harden, func(u harden.Use) bool { return u.Rule.Name == "no-setuid" })
	if i < 0 {
		return
	}
	u := &a.harden[i]
	excepted := map[string]bool{}
	first := func(e *tree.Entry) string {
		if e.Hard {
			return e.Link
		}
		return e.Path
	}
	for _, clear := range []bool{false, true} {
		for _, m := range members {
			for k := range m.Entries {
				e := &m.Entries[k]
				switch {
				case e.Type != tree.File || e.Mode&0o6000 == 0:
				case !u.Clears(e):
					excepted[first(e)] = true
				case clear && !excepted[first(e)]:
					e.Mode &^= 0o6000
					pkg, script := e.Origin.Package, e.Origin.Script
					e.Origin = u.Origin()
					e.Origin.Package, e.Origin.Script = pkg, script
				}
			}
		}
	}
}

// checkExceptions refuses exceptions from rules to which nothing of the image answers.
func (a *assembly) checkExceptions(img *Image) error {
	unused, err := harden.UnusedExceptions(img.Tree, a.contents, a.harden, func(u *harden.Use) []string { return a.touched(img, u) })
	if err != nil || len(unused) == 0 {
		return err
	}
	var problems recipe.Problems
	for _, u := range unused {
		p := a.in.Recipe.Problem(u.Part, u.Text)
		p.Note = "take it out"
		if near := nearestOf(u.Except, u.Candidates); near != nil {
			p.Note = fmt.Sprintf("take it out, or write what it is for: %s", strings.Join(near, " or "))
		}
		problems = append(problems, p)
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the recipe %q for %s: %v", a.in.Recipe.Path(), a.in.Platform, problems), Err: problems}
}

// touched lists what the rule leaves out or takes bits off.
func (a *assembly) touched(img *Image, u *harden.Use) []string {
	var paths []string
	for _, l := range a.layers {
		for _, p := range l.there() {
			if u.Drops(&p.entry) {
				paths = append(paths, tree.Absolute(p.entry.Path))
			}
		}
	}
	for e := range img.Tree.All() {
		if e.Origin.Rule == u.Rule.Name {
			paths = append(paths, tree.Absolute(e.Path))
		}
	}
	return paths
}

// hardenLayer is the layer with what the rules write; nil where that is nothing.
func (a *assembly) hardenLayer(img *Image) (*tree.Layer, error) {
	entries, made, err := harden.Apply(img.Tree, a.contents, a.harden)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	for d, b := range made { // a set
		a.contents.made[d] = b
	}
	l := &layer{index: len(a.layers) + 1, epoch: img.Epoch, dirs: map[string]*shippedDir{}}
	dirs := directories{}
	dirs.need(l, img.Tree, ".")
	for i := range entries {
		entries[i].ModTime = l.epoch
		dirs.need(l, img.Tree, tree.Parent(entries[i].Path))
	}
	return &tree.Layer{Name: hardenName, Epoch: l.epoch, Members: []tree.Member{
		dirs.member(l, img.Tree, entries),
		{Name: kilnMember, Entries: entries},
	}}, nil
}

// addHarden puts that layer on top.
func (a *assembly) addHarden(img *Image) error {
	if err := a.checkExceptions(img); err != nil {
		return err
	}
	l, err := a.hardenLayer(img)
	if err != nil || l == nil {
		return err
	}
	if slices.ContainsFunc(a.layers, func(other *layer) bool { return other.name() == hardenName }) {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("the layer name %q is taken by kiln where harden: has rules that write files", hardenName), Hints: []string{"name the layer otherwise"}}
	}
	if err := img.add(l); err != nil {
		return err
	}
	if !slices.ContainsFunc(l.Members[1].Entries, func(e tree.Entry) bool { return strings.HasPrefix(e.Path, "etc/passwd") }) {
		return nil
	}
	return a.rereadAccounts(img)
}

// rereadAccounts takes over what a rule changed of users.
func (a *assembly) rereadAccounts(img *Image) error {
	e, _ := img.Tree.Lookup("etc/passwd")
	passwd, err := a.contents.readAll(e.Content)
	if err != nil {
		return err
	}
	var group []byte
	if g, ok := img.Tree.Lookup("etc/group"); ok {
		if group, err = a.contents.readAll(g.Content); err != nil {
			return err
		}
	}
	accounts, err := parseAccounts(passwd, group)
	if err != nil {
		return err
	}
	a.accounts, img.Accounts = accounts, accounts
	return nil
}

// dpkgReads reports whether dpkg is in the layer or below it, and stays: what only
// it reads of its database is there for it alone.
func (a *assembly) dpkgReads(l *layer) bool {
	gone := slices.ContainsFunc(a.harden, func(u harden.Use) bool { return u.Rule.Name == "no-package-manager" })
	return a.hasPackage(l, "dpkg") && !gone
}
