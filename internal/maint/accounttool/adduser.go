package accounttool

import (
	"context"
	"slices"
	"strconv"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Statuses of adduser(8), RET_* of its AdduserRetvalues.pm.
const (
	adduserExists    = 11
	adduserMissing   = 12
	adduserWrong     = 13
	adduserNoID      = 31
	adduserIDInUse   = 22
	adduserBadName   = 52
	adduserBadCall   = 51
	adduserNoPrimary = 23
)

const adduserOptions = "system group ingroup= gid= uid= firstuid= lastuid= firstgid= lastgid= home= no-create-home shell= gecos= comment= " +
	"disabled-login disabled-password quiet,q verbose debug add-extra-groups add_extra_groups force-badname allow-badname allow-bad-names allow-all-names " +
	"stdoutmsglevel= stderrmsglevel= logmsglevel="

// Adduser is Debian's adduser(8), and addgroup(8) when called so.
func Adduser(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions(adduserOptions)
	if err != nil {
		return adduserBadCall, err
	}
	text, err := c.FS.ReadIfThere("/etc/adduser.conf")
	if err != nil {
		return 1, err
	}
	a := &adder{c: c, o: o, conf: account.ParseAdduserConf(text)}
	if a.files, err = c.ReadAccounts(); err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 || len(o.Rest) > 2 {
		return a.fail(adduserBadCall, "Only one or two names allowed.")
	}
	a.name = o.Rest[0]
	if err := account.CheckName(a.name); err != nil {
		return a.fail(adduserBadName, "%v", err)
	}
	if err := a.ranges(); err != nil {
		return adduserBadCall, err
	}
	return a.run()
}

type adder struct {
	c     *command.Call
	o     command.Options
	conf  account.AdduserConf
	files *account.Files
	name  string
}

func (a *adder) fail(status int, format string, args ...any) (int, error) {
	return a.c.Complain(status, "fatal: "+format, args...)
}

func (a *adder) run() (int, error) {
	group := a.c.Name == "addgroup"
	switch {
	case len(a.o.Rest) == 2:
		return a.join(a.o.Rest[0], a.o.Rest[1])
	case group && a.o.Has("system"), a.o.Has("group") && a.o.Has("system") && a.c.Name == "addgroup":
		return a.systemGroup()
	case group, a.o.Has("group") && !a.o.Has("system"):
		return a.group()
	case a.o.Has("system"):
		return a.systemUser()
	}
	return a.person()
}

// ranges applies --firstuid and its like.
func (a *adder) ranges() error {
	for _, v := range []struct {
		option string
		into   []*int
	}{
		{"firstuid", []*int{&a.conf.UIDs.Min, &a.conf.SysUIDs.Min}},
		{"lastuid", []*int{&a.conf.UIDs.Max, &a.conf.SysUIDs.Max}},
		{"firstgid", []*int{&a.conf.GIDs.Min, &a.conf.SysGIDs.Min}},
		{"lastgid", []*int{&a.conf.GIDs.Max, &a.conf.SysGIDs.Max}},
	} {
		if !a.o.Has(v.option) {
			continue
		}
		n, err := strconv.Atoi(a.o.Value(v.option, ""))
		if err != nil || n < 0 {
			return a.c.Unhonoured("--%s is no id", v.option)
		}
		for _, p := range v.into {
			*p = n
		}
	}
	return nil
}

func (a *adder) join(user, group string) (int, error) {
	if _, ok := a.files.User(user); !ok {
		return a.fail(adduserMissing, "The user `%s' does not exist.", user)
	}
	g, ok := a.files.Group(group)
	if !ok {
		return a.fail(adduserMissing, "The group `%s' does not exist.", group)
	}
	if slices.Contains(g.Members, user) {
		return 0, nil
	}
	a.files.AddMember(group, user)
	return 0, a.c.WriteAccounts(a.files)
}

// number reads --uid or --gid; given is false where it is not there.
func (a *adder) number(option string) (n int, given bool, err error) {
	if !a.o.Has(option) {
		return 0, false, nil
	}
	n, err = strconv.Atoi(a.o.Value(option, ""))
	if err != nil || n < 0 {
		return 0, true, a.c.Unhonoured("--%s is no id", option)
	}
	return n, true, nil
}

func (a *adder) systemGroup() (int, error) {
	gid, given, err := a.number("gid")
	if err != nil {
		return adduserBadCall, err
	}
	if g, there := a.files.Group(a.name); there {
		inRange := g.GID >= a.conf.SysGIDs.Min && g.GID <= a.conf.SysGIDs.Max
		if given && g.GID != gid || !inRange {
			return a.fail(adduserWrong, "The group `%s' already exists and is not a system group, or has a different GID.", a.name)
		}
		return 0, nil
	}
	return a.addGroup(gid, given, a.conf.SysGIDs)
}

func (a *adder) group() (int, error) {
	gid, given, err := a.number("gid")
	if err != nil {
		return adduserBadCall, err
	}
	if _, there := a.files.Group(a.name); there {
		return a.fail(adduserExists, "The group `%s' already exists.", a.name)
	}
	return a.addGroup(gid, given, a.conf.GIDs)
}

func (a *adder) addGroup(gid int, given bool, r account.Range) (int, error) {
	if given && slices.Contains(a.files.UsedGIDs(), gid) {
		return a.fail(adduserIDInUse, "The GID `%d' is already in use.", gid)
	}
	if !given {
		var err error
		if gid, err = account.Lowest(r, a.files.UsedGIDs()); err != nil {
			return a.fail(adduserNoID, "%v", err)
		}
	}
	a.files.AddGroup(account.Group{Name: a.name, GID: gid}, "!")
	return 0, a.c.WriteAccounts(a.files)
}

func (a *adder) comment() string { return a.o.Value("comment", a.o.Value("gecos", "")) }
