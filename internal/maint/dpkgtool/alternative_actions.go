package dpkgtool

import (
	"slices"
	"strings"
)

// drop removes a group that has no choice left, with all its links.
func (u *alternatives) drop(g *altGroup) error {
	for _, s := range append([]altSlave{{g.name, g.link}}, g.slaves...) {
		if err := u.dropLink(s.name, s.link); err != nil {
			return err
		}
	}
	admin := u.adminDir + "/" + g.name
	if !u.c.FS.Present(admin) {
		return nil
	}
	return u.c.FS.Remove(admin)
}

func (u *alternatives) remove() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		if u.action == "remove-all" {
			return u.fail("no alternatives for %s", u.args[0])
		}
		return 0, nil // the real tool remarks on it with --verbose only
	}
	if u.action == "remove-all" {
		return 0, u.drop(g)
	}
	current := u.settleMode(g)
	if _, ok := g.choice(u.args[1]); !ok {
		return 0, nil
	}
	g.choices = slices.DeleteFunc(g.choices, func(ch altChoice) bool { return ch.file == u.args[1] })
	if current == u.args[1] {
		if !g.auto && len(g.choices) > 0 {
			u.warn("removing manually selected alternative - switching %s to auto mode", g.name)
		}
		g.auto, current = true, ""
	}
	return u.point(g, current)
}

func (u *alternatives) set() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		return u.fail("no alternatives for %s", u.args[0])
	}
	if _, ok := g.choice(u.args[1]); !ok {
		return u.fail("alternative %s for %s not registered; not setting", u.args[1], u.args[0])
	}
	if u.current(g.name) != u.args[1] {
		u.inform("using %s to provide %s (%s) in manual mode", u.args[1], g.link, g.name)
	}
	g.auto = false
	return u.point(g, u.args[1])
}

func (u *alternatives) auto() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		return u.fail("no alternatives for %s", u.args[0])
	}
	g.auto = true
	return u.point(g, u.current(g.name))
}

func (u *alternatives) list() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		return u.fail("no alternatives for %s", u.args[0])
	}
	for _, ch := range g.choices {
		u.c.Say("%s", ch.file)
	}
	return 0, nil
}

func (u *alternatives) display() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		return u.fail("no alternatives for %s", u.args[0])
	}
	u.c.Say("%s - %s mode", g.name, g.mode())
	if best, ok := g.best(); ok {
		u.c.Say("  link best version is %s", best.file)
	} else {
		u.c.Say("  no versions available")
	}
	if current := u.current(g.name); current != "" {
		u.c.Say("  link currently points to %s", current)
	} else {
		u.c.Say("  link currently absent")
	}
	u.c.Say("  link %s is %s", g.name, g.link)
	for _, s := range g.slaves {
		u.c.Say("  slave %s is %s", s.name, s.link)
	}
	for _, ch := range g.choices {
		u.c.Say("%s - priority %d", ch.file, ch.priority)
		for _, s := range g.slaves {
			if f := ch.slaves[s.name]; f != "" {
				u.c.Say("  slave %s: %s", s.name, f)
			}
		}
	}
	return 0, nil
}

func (u *alternatives) query() (int, error) {
	g, err := u.load(u.args[0])
	if err != nil {
		return 2, err
	}
	if g == nil {
		return u.fail("no alternatives for %s", u.args[0])
	}
	u.c.Say("Name: %s\nLink: %s", g.name, g.link)
	if len(g.slaves) > 0 {
		u.c.Say("Slaves:")
		for _, s := range g.slaves {
			u.c.Say(" %s %s", s.name, s.link)
		}
	}
	u.c.Say("Status: %s", g.mode())
	if best, ok := g.best(); ok {
		u.c.Say("Best: %s", best.file)
	}
	value := u.current(g.name)
	if value == "" {
		value = "none"
	}
	u.c.Say("Value: %s", value)
	for _, ch := range g.choices {
		u.c.Say("\nAlternative: %s\nPriority: %d", ch.file, ch.priority)
		u.querySlaves(g, ch)
	}
	return 0, nil
}

func (u *alternatives) querySlaves(g *altGroup, ch altChoice) {
	if len(g.slaves) == 0 {
		return
	}
	u.c.Say("Slaves:")
	for _, s := range g.slaves {
		if f := ch.slaves[s.name]; f != "" {
			u.c.Say(" %s %s", s.name, f)
		}
	}
}

func (u *alternatives) selections() (int, error) {
	admins, err := u.c.FS.ReadDir(u.adminDir)
	if err != nil {
		return 2, err
	}
	for _, a := range admins {
		g, err := u.load(a.Name())
		if err != nil {
			return 2, err
		}
		if strings.HasSuffix(a.Name(), ".dpkg-tmp") || g == nil {
			continue
		}
		u.c.Say("%-30s %-8s %s", g.name, g.mode(), u.current(g.name))
	}
	return 0, nil
}
