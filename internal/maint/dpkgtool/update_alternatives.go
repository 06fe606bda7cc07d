package dpkgtool

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// UpdateAlternatives is update-alternatives(1). Its administration files are
// those of dpkg, byte for byte. It refuses to ask (--config, --all).
func UpdateAlternatives(_ context.Context, c *command.Call) (int, error) {
	u, err := parseAlternatives(c)
	if err != nil {
		return 2, err
	}
	switch u.action {
	case "install":
		return u.install()
	case "remove", "remove-all":
		return u.remove()
	case "set":
		return u.set()
	case "auto":
		return u.auto()
	case "list":
		return u.list()
	case "display":
		return u.display()
	case "query":
		return u.query()
	case "get-selections":
		return u.selections()
	}
	return c.Complain(2, "need --display, --query, --list, --get-selections, --config, --set, --set-selections, --install, --remove, --all, --remove-all or --auto")
}

// alternatives is one call.
type alternatives struct {
	c                *command.Call
	altDir, adminDir string
	quiet, force     bool
	action           string
	args             []string
	slaves           []slaveArg
}

type slaveArg struct{ link, name, path string }

// actions of update-alternatives and how many arguments follow each.
func alternativeActions() map[string]int {
	return map[string]int{
		"install": 4, "remove": 2, "remove-all": 1, "set": 2, "auto": 1, "list": 1, "display": 1, "query": 1, "get-selections": 0,
	}
}

func parseAlternatives(c *command.Call) (*alternatives, error) {
	u := &alternatives{c: c, altDir: "/etc/alternatives", adminDir: "/var/lib/dpkg/alternatives"}
	for args := c.Args; len(args) > 0; {
		arg := args[0]
		args = args[1:]
		take := func(n int) ([]string, error) {
			if len(args) < n {
				return nil, c.Unhonoured("%s needs %d arguments", arg, n)
			}
			taken := args[:n]
			args = args[n:]
			return taken, nil
		}
		if err := u.option(arg, take); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// option takes one option; take hands out the arguments that follow it.
func (u *alternatives) option(arg string, take func(int) ([]string, error)) error {
	name := strings.TrimPrefix(arg, "--")
	if n, ok := alternativeActions()[name]; ok && name != arg {
		if u.action != "" {
			return u.c.Unhonoured("there are two commands")
		}
		u.action = name
		var err error
		u.args, err = take(n)
		return err
	}
	switch arg {
	case "--quiet":
		u.quiet = true
	case "--force":
		u.force = true
	case "--verbose", "--skip-auto":
	case "--slave":
		s, err := take(3)
		if err != nil {
			return err
		}
		u.slaves = append(u.slaves, slaveArg{s[0], s[1], s[2]})
	case "--altdir", "--admindir", "--log":
		v, err := take(1)
		if err != nil {
			return err
		}
		u.directory(arg, v[0])
	case "--config", "--all":
		return u.c.Unhonoured("nobody is there to answer")
	default:
		return u.c.Unhonoured("the option %q is not known", arg)
	}
	return nil
}

func (u *alternatives) directory(option, value string) {
	switch option {
	case "--altdir":
		u.altDir = value
	case "--admindir":
		u.adminDir = value
	}
}

func (u *alternatives) inform(format string, args ...any) {
	if !u.quiet {
		u.c.Say(u.c.Name+": "+format, args...)
	}
}

func (u *alternatives) warn(format string, args ...any) {
	_, _ = u.c.Complain(0, "warning: "+format, args...)
}

func (u *alternatives) fail(format string, args ...any) (int, error) {
	return u.c.Complain(2, "error: "+format, args...)
}

// load reads the administration file of a group; nil where there is none.
func (u *alternatives) load(name string) (*altGroup, error) {
	text, err := u.c.FS.ReadIfThere(u.adminDir + "/" + name)
	if err != nil || text == nil {
		return nil, err
	}
	g, err := parseAltGroup(name, text)
	if err != nil {
		return nil, u.c.Unhonoured("%s", err)
	}
	return g, nil
}

// current is what the group points at now, or "".
func (u *alternatives) current(name string) string { return u.c.FS.LinkTarget(u.altDir + "/" + name) }

// save writes the group's file. An image without dpkg does not have the folders.
func (u *alternatives) save(g *altGroup) error {
	g.dropUnusedSlaves()
	if err := u.c.FS.MkdirAll(u.adminDir, 0o755); err != nil {
		return err
	}
	return u.c.FS.Rewrite(u.adminDir+"/"+g.name, g.print(), 0o644)
}

// install adds a choice to a group, which it makes if need be.
func (u *alternatives) install() (int, error) {
	link, name, file, prio := u.args[0], u.args[1], u.args[2], u.args[3]
	priority, err := strconv.Atoi(prio)
	if err != nil {
		return u.fail("priority must be an integer")
	}
	if bad := u.checkNames(link, name, file); bad != "" {
		return u.fail("%s", bad)
	}
	if !u.c.FS.Exists(file) {
		return u.fail("alternative path %s doesn't exist", file)
	}
	g, err := u.load(name)
	if err != nil {
		return 2, err
	}
	if g == nil {
		g = &altGroup{name: name, link: link, auto: true}
	} else if err := u.relink(g, link); err != nil {
		return 2, err
	}
	current := u.settleMode(g)
	choice := altChoice{file: file, priority: priority, slaves: map[string]string{}}
	for _, s := range u.slaves {
		if bad := u.checkNames(s.link, s.name, s.path); bad != "" {
			return u.fail("%s", bad)
		}
		if err := u.addSlave(g, s); err != nil {
			return 2, err
		}
		choice.slaves[s.name] = s.path
	}
	g.add(choice)
	return u.point(g, current)
}

// point saves the group and makes its links: to the best choice in automatic
// mode, else to the current one.
func (u *alternatives) point(g *altGroup, current string) (int, error) {
	chosen := current
	if g.auto || chosen == "" {
		best, ok := g.best()
		if !ok {
			return 0, u.drop(g)
		}
		chosen = best.file
		if chosen != current {
			u.inform("using %s to provide %s (%s) in %s mode", chosen, g.link, g.name, g.mode())
		}
	}
	links := slices.Clone(g.slaves)
	if err := u.save(g); err != nil {
		return 2, err
	}
	return 0, u.makeLinks(g, links, chosen)
}

func (u *alternatives) checkNames(link, name, file string) string {
	switch {
	case name == "" || strings.ContainsAny(name, "/ \t"):
		return "alternative name (" + name + ") must not contain '/' and spaces"
	case !strings.HasPrefix(link, "/"):
		return "alternative link is not absolute as it should be: " + link
	case !strings.HasPrefix(file, "/"):
		return "alternative path is not absolute as it should be: " + file
	}
	return ""
}

// settleMode looks at what the group points at: something that update-alternatives
// did not choose switches the group to manual.
func (u *alternatives) settleMode(g *altGroup) string {
	current := u.current(g.name)
	if current == "" || len(g.choices) == 0 {
		return current
	}
	best, _ := g.best()
	known := slices.ContainsFunc(g.choices, func(ch altChoice) bool { return ch.file == current })
	switch {
	case !known && !u.c.FS.Exists(current):
		u.warn("%s is dangling; it will be updated with best choice", u.altDir+"/"+g.name)
		g.auto = true
		return ""
	case g.auto && current != best.file:
		u.warn("%s has been changed (manually or by a script); switching to manual updates only", u.altDir+"/"+g.name)
		g.auto = false
	}
	return current
}

func (u *alternatives) relink(g *altGroup, link string) error {
	old := g.link
	g.link = link
	return u.moveLink(old, link)
}

// moveLink renames a generic name that a new version of a package has elsewhere.
func (u *alternatives) moveLink(from, to string) error {
	if from == to || !u.c.FS.IsLink(from) {
		return nil
	}
	u.inform("renaming %s link from %s to %s", path.Base(to), from, to)
	return u.c.FS.Rename(from, to)
}

func (u *alternatives) addSlave(g *altGroup, s slaveArg) error {
	i := slices.IndexFunc(g.slaves, func(l altSlave) bool { return l.name == s.name })
	if i < 0 {
		g.slaves = append(g.slaves, altSlave{s.name, s.link})
		return nil
	}
	old := g.slaves[i].link
	g.slaves[i].link = s.link
	return u.moveLink(old, s.link)
}

// makeLinks points the master and every slave at what the choice has. Slaves that
// it does not have go away.
func (u *alternatives) makeLinks(g *altGroup, slaves []altSlave, chosen string) error {
	if err := u.makeLink(g.name, g.link, chosen); err != nil {
		return err
	}
	choice, known := g.choice(chosen)
	if !known {
		return nil
	}
	for _, s := range slaves {
		file := choice.slaves[s.name]
		if file != "" && !u.c.FS.Exists(file) {
			u.warn("skip creation of %s because associated file %s (of link group %s) doesn't exist", s.link, file, g.name)
			file = ""
		}
		var err error
		if file == "" {
			err = u.dropLink(s.name, s.link)
		} else {
			err = u.makeLink(s.name, s.link, file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeLink makes the two links of a name. The folder of either may be left out of
// the image, with dpkg or with the manual pages; the real tool then ends with an error.
func (u *alternatives) makeLink(name, link, file string) error {
	for _, dir := range []string{u.altDir, path.Dir(link)} {
		if err := u.c.FS.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := u.c.FS.ReplaceLink(file, u.altDir+"/"+name); err != nil {
		return err
	}
	if u.c.FS.Present(link) && !u.c.FS.IsLink(link) && !u.force {
		u.warn("not replacing %s with a link", link)
		return nil
	}
	return u.c.FS.ReplaceLink(u.altDir+"/"+name, link)
}

func (u *alternatives) dropLink(name, link string) error {
	for _, p := range []string{link, u.altDir + "/" + name} {
		if !u.c.FS.IsLink(p) || p == link && u.c.FS.LinkTarget(p) != u.altDir+"/"+name {
			continue
		}
		if err := u.c.FS.Remove(p); err != nil {
			return err
		}
	}
	return nil
}
