package rootfs

import (
	"cmp"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Report tells what led to an image, beside the origins of its entries.
type Report struct {
	Packages []Installed // by name
	Runs     []maint.Run // maintainer scripts in the order in which they ran
	Skips    []Skip
	Accounts []Account // users, then groups, in the order of their files
	Dropped  []Dropped // by path
}

// Installed is a package and how it came in.
type Installed struct {
	Package
	Name        string // as RequiredBy of others has it: with the architecture where that is a foreign one
	Layer       string
	Recipe, Why string      // where the recipe lists it, and its reason; empty for a mere dependency
	Relations   []deb.Field // its fields that name other packages, and Essential
}

// Skip is a maintainer script that the recipe skips.
type Skip struct {
	ID          kiln.PackageID
	Script      string
	Recipe, Why string
}

// Account is a user or group of the image.
type Account struct {
	Group              bool
	Name               string
	ID                 int
	GID                int // of a user: its primary group
	Gecos, Home, Shell string
	Members            []string // of a group
	Origin             tree.Origin
}

// Dropped is an entry that a package ships or a script made and that is not in
// the image.
type Dropped struct {
	Entry   tree.Entry
	Package kiln.PackageID // that it is of
	By, Why string         // the rule's name or the pattern's place in the recipe, and its reason
}

// Unit is a unit that packages want enabled or that the recipe enables.
type Unit struct {
	Name        string
	Wanted      []string // places in scripts: "openssh-server.postinst:12"
	Enabled     bool
	Recipe, Why string
}

// report is what became known of maintainer scripts on the way.
type report struct {
	runs     []maint.Run
	accounts []maint.Account
	notes    []command.Note
}

// add takes what one layer gave.
func (r *report) add(res *maint.Result) {
	r.runs = append(r.runs, res.Runs...)
	r.accounts = append(r.accounts, res.Accounts...)
	r.notes = append(r.notes, res.Notes...)
}

// report makes the Report of the finished image.
func (a *assembly) makeReport() Report {
	r := Report{Runs: a.report.runs, Accounts: a.accountOrigins(), Dropped: a.droppedEntries()}
	for _, u := range a.units {
		in := Installed{Package: u.Package, Name: u.name(), Layer: u.layer.name(), Relations: u.relations()}
		if u.want != nil {
			in.Recipe, in.Why = u.want.layer.origin("packages", u.want.index), u.want.Why
		}
		r.Packages = append(r.Packages, in)
		for _, script := range u.skip {
			if i := a.skipOf(u, script); i >= 0 {
				r.Skips = append(r.Skips, Skip{ID: u.ID, Script: script, Recipe: fmt.Sprintf("skip[%d]", i), Why: a.in.Recipe.Skip[i].Why})
			}
		}
	}
	return r
}

// relations returns the fields of the package that name others, and Essential.
func (u *unit) relations() []deb.Field {
	var all []deb.Field
	for _, name := range []string{"Essential", "Provides", "Pre-Depends", "Depends", "Recommends", "Suggests", "Breaks", "Conflicts"} {
		if value, ok := u.control.Lookup(name); ok {
			all = append(all, deb.Field{Name: name, Value: value})
		}
	}
	return all
}

// skipOf returns the number of the recipe's skip that names the script.
func (a *assembly) skipOf(u *unit, script string) int {
	for i := range a.in.Recipe.Skip {
		s := &a.in.Recipe.Skip[i]
		if slices.Contains(a.named(s.Package), u) && (len(s.Scripts) == 0 || slices.Contains(s.Scripts, script)) {
			return i
		}
	}
	return -1
}

// accountOrigins tells of each user and group who made it.
func (a *assembly) accountOrigins() []Account {
	var all []Account
	for _, u := range a.accounts.Users {
		all = append(all, Account{Name: u.Name, ID: u.UID, GID: u.GID, Gecos: u.Gecos, Home: u.Home, Shell: u.Shell, Origin: a.accountOrigin(false, u.Name)})
	}
	for _, g := range a.accounts.Groups {
		all = append(all, Account{Group: true, Name: g.Name, ID: g.GID, Members: g.Members, Origin: a.accountOrigin(true, g.Name)})
	}
	return all
}

func (a *assembly) accountOrigin(group bool, name string) tree.Origin {
	for i, u := range a.in.Recipe.Users {
		if u.Name == name && (!group || u.Group == "") {
			return tree.Origin{Recipe: fmt.Sprintf("users[%d]", i), Why: u.Why}
		}
	}
	for i, g := range a.in.Recipe.Groups {
		if group && g.Name == name {
			return tree.Origin{Recipe: fmt.Sprintf("groups[%d]", i), Why: g.Why}
		}
	}
	for _, m := range slices.Backward(a.report.accounts) { // the last one made it as it is
		if m.Group == group && m.Name == name {
			return tree.Origin{Package: m.Package, Script: m.Script}
		}
	}
	return ruleOrigin("accounts")
}

// droppedEntries lists what patterns and rules left out.
func (a *assembly) droppedEntries() []Dropped {
	var all []Dropped
	add := func(p *place) {
		if p.dropped == "" {
			return
		}
		d := Dropped{Entry: p.entry, By: p.dropped, Why: a.reasonOf(p)}
		if p.unit != nil {
			d.Package = p.unit.ID
		}
		all = append(all, d)
	}
	for _, l := range a.layers {
		for _, u := range l.units {
			for _, p := range u.places {
				if _, there := l.after.Lookup(p.entry.Path); !p.scripted || !there { // else it is among the scripted
					add(p)
				}
			}
		}
		for _, p := range l.scripted {
			add(p)
		}
	}
	slices.SortStableFunc(all, func(x, y Dropped) int { return tree.Compare(x.Entry.Path, y.Entry.Path) })
	return all
}

// reasonOf returns the reason of what left p out.
func (a *assembly) reasonOf(p *place) string {
	globs := slices.Clone(p.layer.drop)
	if p.unit != nil {
		globs = append(globs, p.unit.layer.drop...)
		if w := p.unit.want; w != nil {
			globs = append(append(globs, w.drop...), w.keep...)
		}
	}
	for _, g := range globs {
		if g.origin == p.dropped {
			return g.why
		}
	}
	for _, rule := range everyRule {
		if rule.Name == p.dropped {
			return rule.Why
		}
	}
	return a.hardenReason(p.dropped)
}

// unitWishes lists the units that packages want enabled or that the recipe
// enables, by name.
func (a *assembly) unitWishes() []Unit {
	byName := map[string]*Unit{}
	unit := func(name string) *Unit {
		if byName[name] == nil {
			byName[name] = &Unit{Name: name}
			if i := a.enabler(name); i >= 0 {
				byName[name].Enabled = true
				byName[name].Recipe, byName[name].Why = fmt.Sprintf("system.services.enable[%d]", i), a.in.Recipe.System.Services.Enable[i].Why
			}
		}
		return byName[name]
	}
	for _, n := range a.report.notes {
		if n.Kind == command.Enable {
			u, place := unit(n.Subject), n.Place()
			if !slices.Contains(u.Wanted, place) {
				u.Wanted = append(u.Wanted, place)
			}
		}
	}
	for _, e := range a.in.Recipe.System.Services.Enable {
		if !e.Pattern() {
			unit(e.Unit)
		}
	}
	var all []Unit
	for _, u := range byName { // sorted below
		all = append(all, *u)
	}
	slices.SortFunc(all, func(x, y Unit) int { return cmp.Compare(x.Name, y.Name) })
	return all
}
