package accounttool

import (
	"context"
	"slices"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Deluser is Debian's deluser(8), and delgroup(8) when called so. Home
// directories and files stay, as by default.
func Deluser(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("group system only-if-empty quiet,q verbose debug")
	if err != nil {
		return adduserBadCall, err
	}
	text, err := c.FS.ReadIfThere("/etc/adduser.conf")
	if err != nil {
		return 1, err
	}
	d := &adder{c: c, o: o, conf: account.ParseAdduserConf(text)}
	if d.files, err = c.ReadAccounts(); err != nil {
		return 1, err
	}
	switch {
	case len(o.Rest) == 2:
		return d.leave(o.Rest[0], o.Rest[1])
	case len(o.Rest) != 1:
		return d.fail(adduserBadCall, "Only one or two names allowed.")
	case o.Has("group"), c.Name == "delgroup":
		return d.deleteGroup(o.Rest[0])
	}
	return d.deleteUser(o.Rest[0])
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
	return 0, a.c.WriteAccounts(a.files)
}

func (a *adder) deleteUser(name string) (int, error) {
	u, ok := a.files.User(name)
	switch {
	case !ok && a.o.Has("system"):
		return 0, nil
	case !ok:
		return a.fail(adduserMissing, "The user `%s' does not exist.", name)
	case a.o.Has("system") && !a.systemAccount(u.UID, a.conf.SysUIDs):
		return a.fail(adduserWrong, "The user `%s' is not a system user. Exiting.", name)
	}
	removeUser(a.files, u)
	return 0, a.c.WriteAccounts(a.files)
}

func (a *adder) deleteGroup(name string) (int, error) {
	g, ok := a.files.Group(name)
	switch {
	case !ok && a.o.Has("system"):
		return 0, nil
	case !ok:
		return a.fail(adduserMissing, "The group `%s' does not exist.", name)
	case a.o.Has("system") && !a.systemAccount(g.GID, a.conf.SysGIDs):
		return a.fail(adduserWrong, "The group `%s' is not a system group. Exiting.", name)
	case a.o.Has("only-if-empty") && len(g.Members) > 0:
		return a.fail(adduserWrong, "The group `%s' is not empty!", name)
	case slices.ContainsFunc(a.files.Users, func(u account.User) bool { return u.GID == g.GID }):
		return a.fail(adduserWrong, "`%s' still has it as their primary group!", name)
	}
	a.files.RemoveGroup(name)
	return 0, a.c.WriteAccounts(a.files)
}
