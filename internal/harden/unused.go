package harden

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"kiln/internal/maint/account"
	"kiln/internal/tree"
)

// Unused is an exception of a recipe that holds nothing against its rule.
type Unused struct {
	Part       string   // of the recipe: "harden[0].except[1]"
	Except     string   // as it stands there
	Text       string   // what is wrong with it
	Candidates []string // what the rule would take an exception for
}

// UnusedExceptions returns the exceptions to which nothing answers: such a line would
// hide what comes to be there later. The tree is that to which the rules are applied,
// without what they left out and with the bits that they took off; touched lists the
// paths of both, with a leading slash.
func UnusedExceptions(t *tree.Tree, contents tree.Contents, uses []Use, touched func(*Use) []string) ([]Unused, error) {
	var all []Unused
	for i := range uses {
		u := &uses[i]
		if len(u.Except) == 0 {
			continue
		}
		c := &change{use: u, tree: t, contents: contents, entries: map[string]tree.Entry{}}
		names, err := c.exceptable()
		if err != nil {
			return nil, err
		}
		for k, e := range u.Except {
			if slices.ContainsFunc(names, func(n string) bool { return u.answers(e, n) }) {
				continue
			}
			un := Unused{Part: fmt.Sprintf("%s.except[%d]", u.Place, k), Except: e, Text: u.noAnswer(e), Candidates: names}
			if u.Rule.Except == "paths" {
				un.Candidates = touched(u)
			}
			all = append(all, un)
		}
	}
	return all, nil
}

// answers reports whether an exception is for what has that name.
func (u *Use) answers(exception, name string) bool {
	if u.Rule.Except == "paths" {
		return doublestar.MatchUnvalidated(exception, name)
	}
	return strings.EqualFold(exception, name)
}

func (u *Use) noAnswer(e string) string {
	switch u.Rule.Except {
	case "none":
		return fmt.Sprintf("the rule %q has no exceptions", u.Rule.Name)
	case "paths":
		return fmt.Sprintf("%q matches nothing that the rule %q would leave out or change", e, u.Rule.Name)
	case "users":
		return fmt.Sprintf("the image has no user %q whom the rule %q would change", e, u.Rule.Name)
	}
	return fmt.Sprintf("the rule %q sets no %q", u.Rule.Name, e)
}

// exceptable lists what the rule touches, or would without its exceptions, and is
// there: paths, users, settings or modules.
func (c *change) exceptable() ([]string, error) {
	switch c.use.Rule.Except {
	case "paths":
		return c.exceptablePaths(), nil
	case "users":
		return c.exceptableUsers()
	}
	var names []string
	for _, s := range settingsOf(c.use.Rule.Name) {
		names = append(names, s.name)
	}
	return names, nil
}

func settingsOf(rule string) []setting {
	switch rule {
	case "login-defs":
		return loginDefs()
	case "sysctl":
		return sysctls()
	case "modules":
		return modules()
	case "sshd":
		return sshdOptions()
	}
	return nil
}

// exceptablePaths lists what is there for its exception alone.
func (c *change) exceptablePaths() []string {
	bare := *c.use
	bare.Except = nil
	var paths []string
	for e := range c.tree.All() {
		if bare.Drops(&e) || bare.Clears(&e) {
			paths = append(paths, tree.Absolute(e.Path))
		}
	}
	return paths
}

// exceptableUsers lists users but root that have a shell or whose password is not
// locked.
func (c *change) exceptableUsers() ([]string, error) {
	text, _, err := c.read(passwd)
	if err != nil {
		return nil, err
	}
	users, err := account.ParseUsers([]byte(text))
	if err != nil {
		return nil, c.refuse("cannot read %s: %v", passwd, err)
	}
	text, _, err = c.read(shadow)
	if err != nil {
		return nil, err
	}
	shadows, err := account.ParseShadows([]byte(text))
	if err != nil {
		return nil, c.refuse("cannot read %s: %v", shadow, err)
	}
	open := map[string]bool{}
	for _, s := range shadows {
		open[s.Name] = lockedPassword(s.Password) != s.Password
	}
	var names []string
	for _, u := range users {
		own := u.Password != "x" && lockedPassword(u.Password) != u.Password
		if u.UID != 0 && (!isNoShell(u.Shell) || own || open[u.Name]) {
			names = append(names, u.Name)
		}
	}
	return names, nil
}
