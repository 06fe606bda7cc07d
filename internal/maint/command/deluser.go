package command

import (
	"context"
	"slices"

	"kiln/internal/maint/account"
)

// Deluser is Debian's deluser(8), and delgroup(8) when called so. Home
// directories and files stay, as by default.
func Deluser(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "group system only-if-empty quiet,q verbose debug")
	if err != nil {
		return adduserBadCall, err
	}
	text, err := readIfThere(c.FS, "/etc/adduser.conf")
	if err != nil {
		return 1, err
	}
	d := &adder{c: c, o: o, conf: account.ParseAdduserConf(text)}
	if d.files, err = readAccounts(c); err != nil {
		return 1, err
	}
	switch {
	case len(o.rest) == 2:
		return d.leave(o.rest[0], o.rest[1])
	case len(o.rest) != 1:
		return d.fail(adduserBadCall, "Only one or two names allowed.")
	case o.has("group"), c.Name == "delgroup":
		return d.deleteGroup(o.rest[0])
	}
	return d.deleteUser(o.rest[0])
}

func (a *adder) leave(user, group string) (int, error) {
	u, ok := a.files.User(user)
	g, gok := a.files.Group(group)
	if !ok || !gok {
		return a.fail(adduserMissing, "The user `%s' or the group `%s' does not exist.", user, group)
	}
	if u.GID == g.GID {
		return a.fail(adduserWrong, "You may not remove the user from their primary group.")
	}
	if !a.files.RemoveMember(group, user) {
		return a.fail(adduserMissing, "The user `%s' is not a member of group `%s'.", user, group)
	}
	return 0, writeAccounts(a.c, a.files)
}

func (a *adder) deleteUser(name string) (int, error) {
	u, ok := a.files.User(name)
	switch {
	case !ok && a.o.has("system"):
		return 0, nil
	case !ok:
		return a.fail(adduserMissing, "The user `%s' does not exist.", name)
	case a.o.has("system") && !a.systemAccount(u.UID, a.conf.SysUIDs):
		return a.fail(adduserWrong, "The user `%s' is not a system user. Exiting.", name)
	}
	a.files.RemoveUser(name)
	if g, ok := a.files.Group(name); ok && g.GID == u.GID && len(g.Members) == 0 {
		a.files.RemoveGroup(name)
	}
	return 0, writeAccounts(a.c, a.files)
}

func (a *adder) deleteGroup(name string) (int, error) {
	g, ok := a.files.Group(name)
	switch {
	case !ok && a.o.has("system"):
		return 0, nil
	case !ok:
		return a.fail(adduserMissing, "The group `%s' does not exist.", name)
	case a.o.has("system") && !a.systemAccount(g.GID, a.conf.SysGIDs):
		return a.fail(adduserWrong, "The group `%s' is not a system group. Exiting.", name)
	case a.o.has("only-if-empty") && len(g.Members) > 0:
		return a.fail(adduserWrong, "The group `%s' is not empty!", name)
	case slices.ContainsFunc(a.files.Users, func(u account.User) bool { return u.GID == g.GID }):
		return a.fail(adduserWrong, "`%s' still has it as their primary group!", name)
	}
	a.files.RemoveGroup(name)
	return 0, writeAccounts(a.c, a.files)
}
