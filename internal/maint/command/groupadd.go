package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
)

// Groupadd is shadow's groupadd(8).
func Groupadd(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "force,f gid,g= key,K= non-unique,o password,p= system,r users,U=")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	name := o.rest[0]
	if err := account.CheckName(name); err != nil {
		return complain(c, shadowBadArg, "'%s' is not a valid group name", name)
	}
	f, err := readAccounts(c)
	if err != nil {
		return 10, err
	}
	if _, there := f.Group(name); there {
		if o.has("force") {
			return 0, nil
		}
		return complain(c, shadowNameIn, "group '%s' already exists", name)
	}
	gid, status, err := newGID(c, o, f)
	if status != 0 || err != nil {
		return status, err
	}
	f.AddGroup(account.Group{Name: name, GID: gid}, o.value("password", "!"))
	for user := range strings.SplitSeq(o.value("users", ""), ",") {
		if user != "" {
			f.AddMember(name, user)
		}
	}
	return 0, writeAccounts(c, f)
}

func newGID(c *Call, o options, f *account.Files) (gid, status int, err error) {
	defs, err := loginDefs(c)
	if err != nil {
		return 0, 10, err
	}
	for _, kv := range o.given["key"] {
		name, value, _ := strings.Cut(kv, "=")
		defs.Set(name, value)
	}
	if o.has("gid") {
		gid, err := strconv.Atoi(o.value("gid", ""))
		if err != nil || gid < 0 {
			status, err := complain(c, shadowBadArg, "invalid group ID '%s'", o.value("gid", ""))
			return 0, status, err
		}
		taken := slices.Contains(f.UsedGIDs(), gid)
		if !taken || o.has("non-unique") {
			return gid, 0, nil
		}
		if !o.has("force") {
			status, err := complain(c, shadowIDUsed, "GID '%d' already exists", gid)
			return 0, status, err
		}
	}
	gid, err = chooseGID(f, defs, o.has("system"), -1)
	if err != nil {
		status, err := complain(c, shadowIDUsed, "%v", err)
		return 0, status, err
	}
	return gid, 0, nil
}

// Groupdel is shadow's groupdel(8).
func Groupdel(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "force,f")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	f, err := readAccounts(c)
	if err != nil {
		return 10, err
	}
	g, ok := f.Group(o.rest[0])
	if !ok {
		return complain(c, shadowNoGroup, "group '%s' does not exist", o.rest[0])
	}
	if slices.ContainsFunc(f.Users, func(u account.User) bool { return u.GID == g.GID }) && !o.has("force") {
		return complain(c, 8, "cannot remove the primary group of a user")
	}
	f.RemoveGroup(g.Name)
	return 0, writeAccounts(c, f)
}

// Groupmod is shadow's groupmod(8), for -n and -g.
func Groupmod(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "new-name,n= gid,g= non-unique,o")
	if err != nil {
		return shadowUsage, err
	}
	f, err := readAccounts(c)
	if err != nil {
		return 10, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	old, ok := f.Group(o.rest[0])
	if !ok {
		return complain(c, shadowNoGroup, "group '%s' does not exist", o.rest[0])
	}
	name := o.value("new-name", old.Name)
	gid, err := strconv.Atoi(o.value("gid", strconv.Itoa(old.GID)))
	if err != nil || gid < 0 {
		return complain(c, shadowBadArg, "invalid group ID '%s'", o.value("gid", ""))
	}
	if _, there := f.Group(name); there && name != old.Name {
		return complain(c, shadowNameIn, "group '%s' already exists", name)
	}
	if gid != old.GID && slices.Contains(f.UsedGIDs(), gid) && !o.has("non-unique") {
		return complain(c, shadowIDUsed, "GID '%d' already exists", gid)
	}
	renameGroup(f, old, name, gid)
	return 0, writeAccounts(c, f)
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
