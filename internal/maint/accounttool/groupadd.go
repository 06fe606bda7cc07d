package accounttool

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Groupadd is shadow's groupadd(8).
func Groupadd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f gid,g= key,K= non-unique,o password,p= system,r users,U=")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	name := o.Rest[0]
	if err := account.CheckName(name); err != nil {
		return c.Complain(shadowBadArg, "'%s' is not a valid group name", name)
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 10, err
	}
	if _, there := f.Group(name); there {
		if o.Has("force") {
			return 0, nil
		}
		return c.Complain(shadowNameIn, "group '%s' already exists", name)
	}
	gid, status, err := newGID(c, o, f)
	if status != 0 || err != nil {
		return status, err
	}
	f.AddGroup(account.Group{Name: name, GID: gid}, o.Value("password", "!"))
	for user := range strings.SplitSeq(o.Value("users", ""), ",") {
		if user != "" {
			f.AddMember(name, user)
		}
	}
	return 0, c.WriteAccounts(f)
}

func newGID(c *command.Call, o command.Options, f *account.Files) (gid, status int, err error) {
	defs, err := c.LoginDefs()
	if err != nil {
		return 0, 10, err
	}
	for _, kv := range o.Given["key"] {
		name, value, _ := strings.Cut(kv, "=")
		defs.Set(name, value)
	}
	if o.Has("gid") {
		gid, err := strconv.Atoi(o.Value("gid", ""))
		if err != nil || gid < 0 {
			status, err := c.Complain(shadowBadArg, "invalid group ID '%s'", o.Value("gid", ""))
			return 0, status, err
		}
		taken := slices.Contains(f.UsedGIDs(), gid)
		if !taken || o.Has("non-unique") {
			return gid, 0, nil
		}
		if !o.Has("force") {
			status, err := c.Complain(shadowIDUsed, "GID '%d' already exists", gid)
			return 0, status, err
		}
	}
	gid, err = chooseGID(f, defs, o.Has("system"), -1)
	if err != nil {
		status, err := c.Complain(shadowIDUsed, "%v", err)
		return 0, status, err
	}
	return gid, 0, nil
}

// Groupdel is shadow's groupdel(8).
func Groupdel(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 10, err
	}
	g, ok := f.Group(o.Rest[0])
	if !ok {
		return c.Complain(shadowNoGroup, "group '%s' does not exist", o.Rest[0])
	}
	if slices.ContainsFunc(f.Users, func(u account.User) bool { return u.GID == g.GID }) && !o.Has("force") {
		return c.Complain(8, "cannot remove the primary group of a user")
	}
	f.RemoveGroup(g.Name)
	return 0, c.WriteAccounts(f)
}

// Groupmod is shadow's groupmod(8), for -n and -g.
func Groupmod(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("new-name,n= gid,g= non-unique,o")
	if err != nil {
		return shadowUsage, err
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 10, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	old, ok := f.Group(o.Rest[0])
	if !ok {
		return c.Complain(shadowNoGroup, "group '%s' does not exist", o.Rest[0])
	}
	name := o.Value("new-name", old.Name)
	gid, err := strconv.Atoi(o.Value("gid", strconv.Itoa(old.GID)))
	if err != nil || gid < 0 {
		return c.Complain(shadowBadArg, "invalid group ID '%s'", o.Value("gid", ""))
	}
	if _, there := f.Group(name); there && name != old.Name {
		return c.Complain(shadowNameIn, "group '%s' already exists", name)
	}
	if gid != old.GID && slices.Contains(f.UsedGIDs(), gid) && !o.Has("non-unique") {
		return c.Complain(shadowIDUsed, "GID '%d' already exists", gid)
	}
	renameGroup(f, old, name, gid)
	return 0, c.WriteAccounts(f)
}

func renameGroup(f *account.Files, old account.Group, name string, gid int) {
	for i := range f.Groups {
		if f.Groups[i].Name == old.Name {
			f.Groups[i].Name, f.Groups[i].GID = name, gid
		}
	}
	for i := range f.GShadows {
		if f.GShadows[i].Name == old.Name {
			f.GShadows[i].Name = name
		}
	}
	for i := range f.Users {
		if f.Users[i].GID == old.GID {
			f.Users[i].GID = gid
		}
	}
}
