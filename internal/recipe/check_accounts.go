package recipe

import (
	"slices"
	"strconv"
)

func (c *checker) accounts(r *Recipe) {
	userNames, uids := c.unique("user"), c.unique("uid")
	groupNames, gids := c.unique("group"), c.unique("gid")
	for i, u := range r.Users {
		path := at("users", i)
		if c.accountName(path+".name", u.Name) {
			userNames.add(path+".name", u.Name)
		}
		if c.accountNumber(path+".uid", u.UID) {
			uids.add(path+".uid", strconv.Itoa(u.UID))
		}
		c.user(path, u)
		if u.Group == "" { // its own group comes with it
			groupNames.lines[u.Name], gids.lines[strconv.Itoa(u.UID)] = c.line(path+".name"), c.line(path+".uid")
		}
	}
	for i, g := range r.Groups {
		path := at("groups", i)
		if c.accountName(path+".name", g.Name) {
			groupNames.add(path+".name", g.Name)
		}
		if c.accountNumber(path+".gid", g.GID) {
			gids.add(path+".gid", strconv.Itoa(g.GID))
		}
		c.why(path, g.Why)
		members := c.unique("member")
		for j, m := range g.Members {
			if at := at(path+".members", j); c.accountName(at, m) {
				members.add(at, m)
			}
		}
	}
}

func (c *checker) line(path string) int {
	if p, ok := c.places[path]; ok {
		return p.node.Line
	}
	return 0
}

func (c *checker) accountName(path, s string) bool {
	if !c.matches(path, s, accountName, "a name of small letters, digits, _ and -, at most 32") {
		return false
	}
	if s == "root" {
		c.problem(path, "root is in every image and is not declared")
		return false
	}
	return true
}

func (c *checker) accountNumber(path string, n int) bool {
	if c.written(path) && (n < 0 || n > maxID) {
		c.problem(path, "want a number from 0 to %d, got %d", maxID, n)
		return false
	}
	return c.written(path)
}

// user checks the fields of a line of passwd(5): a colon or a line end in one
// would begin another.
func (c *checker) user(path string, u User) {
	c.why(path, u.Why)
	c.matches(path+".group", u.Group, func(s string) bool { return accountName(s) }, "the name of a group")
	c.matches(path+".gecos", u.Gecos, passwdField, "a text without : and line ends")
	c.matches(path+".home", u.Home, func(s string) bool { return (absolute(s) || s == "/") && passwdField(s) }, "an absolute path")
	c.matches(path+".shell", u.Shell, func(s string) bool { return absolute(s) && passwdField(s) }, "an absolute path")
}

func passwdField(s string) bool {
	return isShort(s, 1024) && !slices.ContainsFunc([]rune(s), func(r rune) bool { return r == ':' || isControlInPath(r) })
}
