package accounttool

import (
	"slices"
	"strings"

	"kiln/internal/maint/account"
)

// systemUser is "adduser --system": nothing to do where there is one already.
func (a *adder) systemUser() (int, error) {
	uid, given, err := a.number("uid")
	if err != nil {
		return adduserBadCall, err
	}
	if u, there := a.files.User(a.name); there {
		inRange := u.UID >= a.conf.SysUIDs.Min && u.UID <= a.conf.SysUIDs.Max
		if !inRange || given && u.UID != uid {
			return a.fail(adduserWrong, "The user `%s' already exists, but is not a system user, or has a different UID.", a.name)
		}
		return 0, nil
	}
	if given && slices.Contains(a.files.UsedUIDs(), uid) {
		return a.fail(adduserWrong, "The UID %d is already in use.", uid)
	}
	if !given {
		if uid, err = account.Lowest(a.conf.SysUIDs, a.files.UsedUIDs()); err != nil {
			return a.fail(adduserNoID, "%v", err)
		}
	}
	gid, status, err := a.systemPrimary(uid, given)
	if status != 0 || err != nil {
		return status, err
	}
	u := account.User{
		Name: a.name, UID: uid, GID: gid, Gecos: a.comment(),
		Home: a.o.Value("home", "/nonexistent"), Shell: a.o.Value("shell", "/usr/sbin/nologin"),
	}
	a.files.AddUser(u, account.Shadow{Password: "!", LastChange: a.c.Today()})
	if err := a.c.WriteAccounts(a.files); err != nil {
		return 1, err
	}
	return 0, a.home(u, a.conf.SysHomeMode, "")
}

// systemPrimary is the primary group of a system user: --ingroup, --gid, one of
// its own with --group, else nogroup. given says that the uid was asked for, which
// the own group then takes too.
func (a *adder) systemPrimary(uid int, given bool) (gid, status int, err error) {
	gid, hasGID, err := a.number("gid")
	if err != nil {
		return 0, adduserBadCall, err
	}
	switch {
	case a.o.Has("ingroup"):
		g, ok := groupByNameOrID(a.files, a.o.Value("ingroup", ""))
		if !ok {
			status, err := a.fail(adduserMissing, "The group `%s' does not exist.", a.o.Value("ingroup", ""))
			return 0, status, err
		}
		return g.GID, 0, nil
	case a.o.Has("group"):
		if g, ok := a.files.Group(a.name); ok {
			return g.GID, 0, nil
		}
		if !hasGID {
			gid = uid
		}
		if !hasGID && !given {
			if gid, err = account.Lowest(a.conf.SysGIDs, a.files.UsedGIDs()); err != nil {
				status, err := a.fail(adduserNoID, "%v", err)
				return 0, status, err
			}
		}
		if slices.Contains(a.files.UsedGIDs(), gid) {
			status, err := a.fail(adduserIDInUse, "The GID `%d' is already in use.", gid)
			return 0, status, err
		}
		a.files.AddGroup(account.Group{Name: a.name, GID: gid}, "!")
		return gid, 0, nil
	case hasGID:
		return gid, 0, nil
	}
	if g, ok := a.files.Group("nogroup"); ok {
		return g.GID, 0, nil
	}
	return 65534, 0, nil
}

// home makes the home directory, unless there is one or none is wanted.
func (a *adder) home(u account.User, mode uint32, skel string) error {
	nonexistent := strings.HasPrefix("/"+strings.TrimLeft(u.Home, "/")+"/", "/nonexistent/")
	if nonexistent || a.o.Has("no-create-home") || a.c.FS.Exists(u.Home) {
		return nil
	}
	return createHome(a.c, u, mode, skel)
}

// person is adduser for somebody who logs in. Nobody can be asked for a password.
func (a *adder) person() (int, error) {
	if !a.o.Has("disabled-password") && !a.o.Has("disabled-login") || !a.o.Has("gecos") && !a.o.Has("comment") {
		return 1, a.c.Unhonoured("nobody is there to give a password and a name")
	}
	if _, there := a.files.User(a.name); there {
		return a.fail(adduserExists, "The user `%s' already exists.", a.name)
	}
	uid, given, err := a.number("uid")
	if err != nil {
		return adduserBadCall, err
	}
	if !given {
		used := [][]int{a.files.UsedUIDs()}
		if !a.o.Has("ingroup") {
			used = append(used, a.files.UsedGIDs())
		}
		if uid, err = account.Lowest(a.conf.UIDs, used...); err != nil {
			return a.fail(adduserNoID, "%v", err)
		}
	}
	gid, status, err := a.primary(uid)
	if status != 0 || err != nil {
		return status, err
	}
	return a.addPerson(uid, gid)
}

func (a *adder) primary(uid int) (gid, status int, err error) {
	want := ""
	switch {
	case a.o.Has("ingroup"):
		want = a.o.Value("ingroup", "")
	case a.o.Has("gid"):
		want = a.o.Value("gid", "")
	case !a.conf.UserGroups:
		want = a.conf.UsersGroup
	}
	if want == "" {
		if _, there := a.files.Group(a.name); there || slices.Contains(a.files.UsedGIDs(), uid) {
			status, err := a.fail(adduserExists, "The group `%s' already exists.", a.name)
			return 0, status, err
		}
		a.files.AddGroup(account.Group{Name: a.name, GID: uid}, "!")
		return uid, 0, nil
	}
	g, ok := groupByNameOrID(a.files, want)
	if !ok {
		status, err := a.fail(adduserNoPrimary, "The group `%s' does not exist.", want)
		return 0, status, err
	}
	return g.GID, 0, nil
}

func (a *adder) addPerson(uid, gid int) (int, error) {
	defs, err := a.c.LoginDefs()
	if err != nil {
		return 1, err
	}
	shell := a.conf.Shell
	if a.o.Has("disabled-login") {
		shell = "/usr/sbin/nologin"
	}
	u := account.User{
		Name: a.name, UID: uid, GID: gid, Gecos: a.comment(),
		Home: a.o.Value("home", a.conf.Home+"/"+a.name), Shell: a.o.Value("shell", shell),
	}
	a.files.AddUser(u, account.Shadow{Password: "!", LastChange: a.c.Today(), Min: defs.PassMin, Max: defs.PassMax, Warn: defs.PassWarn})
	extra := []string{}
	if a.conf.UserGroups && !a.o.Has("ingroup") && !a.o.Has("gid") {
		extra = append(extra, a.conf.UsersGroup)
	}
	if a.o.Has("add-extra-groups") || a.o.Has("add_extra_groups") {
		extra = append(extra, a.conf.ExtraGroups...)
	}
	for _, g := range extra {
		a.files.AddMember(g, a.name)
	}
	if err := a.c.WriteAccounts(a.files); err != nil {
		return 1, err
	}
	if err := subordinate(a.c, a.name); err != nil {
		return 1, err
	}
	return 0, a.home(u, a.conf.HomeMode, a.conf.Skel)
}

// systemAccount reports whether an id is in the range that deluser --system takes.
func (a *adder) systemAccount(id int, r account.Range) bool { return id >= r.Min && id <= r.Max }
