// Package harden holds the rules that a recipe names under harden: what each leaves
// out of a tree, and what it changes in one. A rule is a function of the tree: it
// runs nothing, and applying it again changes nothing more. It refuses what the
// recipe itself made otherwise, so that neither wins in silence.
//
// The items that a rule answers are those of the CIS Debian Linux 12 Benchmark
// v1.1.0, and of DISA's STIG for Ubuntu 24.04 LTS (its settings are Debian's too). A
// rule answers an item as far as a file of the image can: not what a running system
// is asked for besides.
package harden

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/tree"
)

// Rule is one rule.
type Rule struct {
	Name    string   `json:"name"`
	Why     string   `json:"why"`
	Does    string   `json:"does"`            // in a sentence or two
	Except  string   `json:"except"`          // what its except: names: "paths", "users", "settings"
	Drop    []string `json:"drop,omitempty"`  // patterns of paths that it leaves out
	Keep    []string `json:"keep,omitempty"`  // exceptions to Drop
	Sets    []string `json:"sets,omitempty"`  // what it writes, line by line
	Answers []Item   `json:"answers"`         // items of benchmarks
	Notes   string   `json:"notes,omitempty"` // what to know before
	links   bool     // Drop leaves links alone that lead to a folder of copyright files
	apply   func(c *change) error
}

// Item is an item of a benchmark.
type Item struct {
	Benchmark string `json:"benchmark"` // "CIS" or "STIG"
	ID        string `json:"id"`
	Title     string `json:"title"`
}

// The benchmarks that items are of.
const (
	CIS  = "CIS Debian Linux 12 Benchmark v1.1.0"
	STIG = "DISA STIG Canonical Ubuntu 24.04 LTS"
)

// Use is a rule as a recipe names it.
type Use struct {
	Rule     Rule
	Except   []string // of the kind that Rule.Except says
	Writable []string // of read-only-root: folders
	Place    string   // in the recipe: "harden[0]"
	Why      string   // the recipe's reason, if any

	drop []pattern // of Rule.Drop, braces written out; made by Prepare
}

// pattern is one of paths, and what all that match it begin with.
type pattern struct{ glob, prefix string }

// Prepare must be called before Drops: an image has tens of thousands of paths.
func (u *Use) Prepare() {
	for _, p := range u.Rule.Drop {
		for _, g := range spread(p) {
			prefix := g
			if i := strings.IndexAny(g, "*?[\\"); i >= 0 {
				prefix = strings.TrimSuffix(g[:i], "/")
			}
			u.drop = append(u.drop, pattern{g, prefix})
		}
	}
}

// spread writes out the braces of a pattern.
func spread(p string) []string {
	open, end := strings.IndexByte(p, '{'), strings.IndexByte(p, '}')
	if open < 0 || end < open {
		return []string{p}
	}
	var all []string
	for _, word := range strings.Split(p[open+1:end], ",") {
		all = append(all, spread(p[:open]+word+p[end+1:])...)
	}
	return all
}

// Find returns the rule of that name.
func Find(name string) (Rule, bool) {
	for _, r := range Rules() {
		if r.Name == name {
			return r, true
		}
	}
	return Rule{}, false
}

// Drops reports whether the rule leaves out the entry, whose path has links of
// folders resolved. Folders stay where something in them does.
func (u *Use) Drops(e *tree.Entry) bool {
	path := tree.Absolute(e.Path)
	match := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return doublestar.MatchUnvalidated(p, path) })
	}
	dropped := slices.ContainsFunc(u.drop, func(p pattern) bool {
		return strings.HasPrefix(path, p.prefix) && doublestar.MatchUnvalidated(p.glob, path)
	})
	if !dropped || match(u.Rule.Keep) || match(u.Except) {
		return false
	}
	return !u.Rule.links || e.Type != tree.Symlink || tree.Parent(e.Path) != "usr/share/doc"
}

// Clears reports whether the rule takes the setuid and setgid bits off the entry.
// A folder's setgid bit hands on a group and no privilege.
func (u *Use) Clears(e *tree.Entry) bool {
	return u.Rule.Name == noSetuid && e.Type == tree.File && e.Mode&0o6000 != 0 &&
		!slices.ContainsFunc(u.Except, func(p string) bool { return doublestar.MatchUnvalidated(p, tree.Absolute(e.Path)) })
}

// Origin is that of what the rule changes.
func (u *Use) Origin() tree.Origin {
	return tree.Origin{Rule: u.Rule.Name, Recipe: u.Place, Why: cmp.Or(u.Why, u.Rule.Why)}
}

// Apply returns the entries that the rules change or make in the tree, sorted by
// path, with what they hold. Of entries that are as the rules want them there is
// nothing.
func Apply(t *tree.Tree, contents tree.Contents, uses []Use) ([]tree.Entry, tree.Bytes, error) {
	c := &change{tree: t, contents: contents, made: tree.Bytes{}, entries: map[string]tree.Entry{}}
	for i := range uses {
		c.use = &uses[i]
		if c.use.Rule.apply == nil {
			continue
		}
		if err := c.use.Rule.apply(c); err != nil {
			return nil, nil, err
		}
	}
	var list []tree.Entry
	for _, e := range c.entries { // sorted below
		list = append(list, e)
	}
	tree.SortEntries(list)
	return list, c.made, nil
}

// change is one run of Apply.
type change struct {
	use      *Use
	tree     *tree.Tree
	contents tree.Contents
	made     tree.Bytes
	entries  map[string]tree.Entry // by path, as they are to be
}

// entry is what is at a path, after what was changed so far. Links are followed.
func (c *change) entry(path string) (tree.Entry, bool) {
	at, err := c.tree.Resolve(path)
	if err != nil {
		if at, err = c.tree.Locate(path); err != nil {
			return tree.Entry{}, false
		}
	}
	if e, ok := c.entries[at]; ok {
		return e, true
	}
	return c.tree.Lookup(at)
}

// there reports whether a file is at one of the paths.
func (c *change) there(paths ...string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { e, ok := c.entry(p); return ok && e.Type == tree.File })
}

// mostRead bounds a file that a rule edits, in bytes.
const mostRead = 8 << 20

// read returns what a file holds; ok is false where there is none.
func (c *change) read(path string) (text string, ok bool, err error) {
	e, ok := c.entry(path)
	if !ok || e.Type != tree.File {
		return "", false, nil
	}
	if b, mine := c.made[e.Content]; mine {
		return string(b), true, nil
	}
	f, err := c.contents.OpenContent(e.Content)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostRead))
	return string(b), true, err
}

// write makes the file at path hold text; one that does already is left alone. What
// the recipe itself made is not changed: that is an error.
func (c *change) write(path, text string, mode uint32) error {
	now, ok, err := c.read(path)
	if err != nil || ok && now == text {
		return err
	}
	e, there := c.entry(path)
	switch {
	case there && e.Type != tree.File:
		return c.refuse("%s is %s in the image", path, e.Type.Name())
	case there && e.Origin.Recipe != "" && e.Origin.Package == "" && e.Origin.Rule == "":
		return c.conflict(path, e.Origin.Recipe)
	case !there:
		at, err := c.tree.Locate(path)
		if err != nil {
			return c.refuse("%v", err)
		}
		e = tree.Entry{Path: at, Type: tree.File, Mode: mode}
	}
	e.Hard, e.Link = false, ""
	e.Content, e.Size = c.made.Add([]byte(text)), int64(len(text))
	pkg := e.Origin.Package
	e.Origin = c.use.Origin()
	e.Origin.Package = pkg
	c.entries[e.Path] = e
	return nil
}

func (c *change) refuse(format string, args ...any) error {
	return &kiln.Error{
		Code: kiln.User, Text: fmt.Sprintf("%s (%s): ", c.use.Place, c.use.Rule.Name) + fmt.Sprintf(format, args...),
		Hints: []string{"take the rule out of harden:, or see kiln harden show " + c.use.Rule.Name},
	}
}

// conflict is the error of a rule and a part of the recipe that want two things.
func (c *change) conflict(path, part string) error {
	return Conflict(c.use, path, part, "would change")
}

// Conflict is the error of a rule that does something to what a part of the recipe made.
func Conflict(u *Use, path, part, does string) error {
	return &kiln.Error{
		Code: kiln.User,
		Text: fmt.Sprintf("%s makes %s, which %s (%s) %s: kiln does not choose between them", part, path, u.Place, u.Rule.Name, does),
		Hints: []string{
			fmt.Sprintf("take one of the two out of the recipe, or make an exception: harden: [{%s: {except: [%s], why: ...}}]", u.Rule.Name, exception(u, path)),
			"kiln harden show " + u.Rule.Name,
		},
	}
}

func exception(u *Use, path string) string {
	if u.Rule.Except == "paths" {
		return path
	}
	return "..."
}

// excepts reports whether the recipe makes an exception for a name.
func (c *change) excepts(name string) bool {
	return slices.ContainsFunc(c.use.Except, func(p string) bool { return p == name || strings.EqualFold(p, name) })
}
