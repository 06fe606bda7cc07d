package compare

import (
	"path"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// UnitChange is what became of a unit of systemd.
type UnitChange struct {
	Name   string     `json:"name"`
	Change string     `json:"change"` // "added", "removed" or "changed"
	Before *UnitFacts `json:"before,omitempty"`
	After  *UnitFacts `json:"after,omitempty"`
}

// UnitFacts is what stands of a unit in an image.
type UnitFacts struct {
	Path    string   `json:"path,omitempty"`       // of its file
	Enabled []string `json:"enabled_by,omitempty"` // what pulls it in: "multi-user.target"
	Listens []string `json:"listens,omitempty"`    // addresses of a socket: "ListenStream=22"
	Masked  bool     `json:"masked,omitempty"`
	Vendor  bool     `json:"vendor,omitempty"` // nothing but links that packages ship pull it in
}

// String tells it in one line.
func (c UnitChange) String() string {
	switch c.Change {
	case "added":
		return "+ " + c.Name + ": " + c.After.String()
	case "removed":
		return "- " + c.Name + ": " + c.Before.String()
	}
	return "~ " + c.Name + ": " + c.Before.String() + " -> " + c.After.String()
}

// String says in a few words what the unit does of itself.
func (f *UnitFacts) String() string {
	s := "not enabled"
	switch {
	case f.Masked:
		s = "masked"
	case len(f.Enabled) > 0:
		s = "enabled by " + strings.Join(f.Enabled, ", ")
	}
	if len(f.Listens) > 0 {
		s += ", listens: " + strings.Join(f.Listens, " ")
	}
	return s
}

type unit = UnitFacts

// unitFolders are where system units stand, in the order of systemd.unit(5), the
// weakest first.
func unitFolders() []string {
	return []string{"lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/system"}
}

func (c *content) readUnits() error {
	t := c.side.Tree
	for _, dir := range unitFolders() {
		if at, err := t.ResolveInside(dir); err != nil || at != dir {
			continue // not there, or read by its own name
		}
		for _, p := range t.Children(dir) {
			if err := c.readUnit(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *content) readUnit(p string) error {
	e, _ := c.side.Tree.Lookup(p)
	name, vendor := path.Base(p), !strings.HasPrefix(p, "etc/")
	by, pulls := strings.CutSuffix(name, ".wants")
	if !pulls {
		by, pulls = strings.CutSuffix(name, ".requires")
	}
	switch {
	case e.Type == tree.Dir && pulls:
		for _, link := range c.side.Tree.Children(p) {
			c.unit(path.Base(link)).enable(by, vendor)
		}
	case e.Type == tree.Symlink && e.Link == "/dev/null":
		c.unit(name).Masked = true
	case e.Type == tree.Symlink && path.Base(e.Link) != name && !vendor:
		c.unit(path.Base(e.Link)).enable(name, false) // an alias
	case e.Type == tree.File && strings.Contains(name, "."):
		u := c.unit(name)
		u.Path, u.Masked = tree.Absolute(p), e.Size == 0
		if path.Ext(name) == ".socket" {
			text, err := c.side.text(p)
			u.Listens = listens(text)
			return err
		}
	}
	return nil
}

func (c *content) unit(name string) *unit {
	if c.units[name] == nil {
		c.units[name] = &unit{}
	}
	return c.units[name]
}

func (f *UnitFacts) enable(by string, vendor bool) {
	f.Vendor = vendor && (f.Vendor || len(f.Enabled) == 0)
	if !slices.Contains(f.Enabled, by) {
		f.Enabled = append(f.Enabled, by)
		slices.Sort(f.Enabled)
	}
}

// listens are the addresses of a socket unit (systemd.socket(5)). An empty one
// takes back those before.
func listens(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || !strings.HasPrefix(key, "Listen") {
			continue
		}
		if value == "" {
			all = slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, key+"=") })
			continue
		}
		all = append(all, key+"="+value)
	}
	return all
}

func unitChanges(a, b map[string]*unit) []UnitChange {
	all := []UnitChange{}
	for _, name := range bothKeys(a, b) {
		c := UnitChange{Name: name, Change: "changed", Before: a[name], After: b[name]}
		switch {
		case c.Before == nil:
			c.Change = "added"
		case c.After == nil:
			c.Change = "removed"
		case c.Before.String() == c.After.String():
			continue
		}
		all = append(all, c)
	}
	return all
}
