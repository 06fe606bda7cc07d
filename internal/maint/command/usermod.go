package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
)

// Usermod is shadow's usermod(8), for what scripts change of an account that is
// there. Its home directory is never moved.
func Usermod(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "append,a groups,G= gid,g= home,d= shell,s= comment,c= lock,L unlock,U uid,u= non-unique,o login,l= "+
		"password,p= expiredate,e= remove,r")
	if err != nil {
		return shadowUsage, err
	}
	f, err := readAccounts(c)
	if err != nil {
		return 1, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	name := o.rest[0]
	if _, ok := f.User(name); !ok {
		return complain(c, shadowNoGroup, "user '%s' does not exist", name)
	}
	if status, err := modifyUser(c, o, f, name); status != 0 || err != nil {
		return status, err
	}
	if status, err := modifyGroups(c, o, f, name); status != 0 || err != nil {
		return status, err
	}
	if status, err := modifyPassword(c, o, f, name); status != 0 || err != nil {
		return status, err
	}
	if o.has("login") {
		if _, there := f.User(o.value("login", "")); there {
			return complain(c, shadowNameIn, "user '%s' already exists", o.value("login", ""))
		}
		renameUser(f, name, o.value("login", ""))
	}
	return 0, writeAccounts(c, f)
}

func modifyUser(c *Call, o options, f *account.Files, name string) (int, error) {
	old, _ := f.User(name)
	uid, err := strconv.Atoi(o.value("uid", strconv.Itoa(old.UID)))
	if err != nil || uid < 0 {
		return complain(c, shadowBadArg, "invalid user ID '%s'", o.value("uid", ""))
	}
	if uid != old.UID && slices.Contains(f.UsedUIDs(), uid) && !o.has("non-unique") {
		return complain(c, shadowIDUsed, "UID '%d' already exists", uid)
	}
	gid := old.GID
	if o.has("gid") {
		g, ok := groupByNameOrID(f, o.value("gid", ""))
		if !ok {
			return complain(c, shadowNoGroup, "group '%s' does not exist", o.value("gid", ""))
		}
		gid = g.GID
	}
	f.EditUser(name, func(u *account.User) {
		u.UID, u.GID = uid, gid
		u.Home, u.Shell, u.Gecos = o.value("home", u.Home), o.value("shell", u.Shell), o.value("comment", u.Gecos)
	})
	return 0, nil
}

func modifyGroups(c *Call, o options, f *account.Files, name string) (int, error) {
	if !o.has("groups") {
		return 0, nil
	}
	var want []string
	for g := range strings.SplitSeq(o.value("groups", ""), ",") {
		if g == "" {
			continue
		}
		group, ok := groupByNameOrID(f, g)
		if !ok {
			return complain(c, shadowNoGroup, "group '%s' does not exist", g)
		}
		want = append(want, group.Name)
	}
	for _, g := range f.Groups {
		switch in := slices.Contains(want, g.Name); {
		case in && o.has("remove"), !in && !o.has("append") && !o.has("remove"):
			f.RemoveMember(g.Name, name)
		case in:
			f.AddMember(g.Name, name)
		}
	}
	return 0, nil
}

func modifyPassword(c *Call, o options, f *account.Files, name string) (int, error) {
	var change func(string) string
	switch {
	case o.has("password"):
		change = func(string) string { return o.value("password", "") }
	case o.has("lock"):
		change = func(p string) string { return "!" + strings.TrimPrefix(p, "!") }
	case o.has("unlock"):
		change = func(p string) string { return strings.TrimPrefix(p, "!") }
	case o.has("expiredate"):
		return modifyExpiry(c, o, f, name)
	default:
		return 0, nil
	}
	setPassword(c, f, name, change)
	return modifyExpiry(c, o, f, name)
}

func modifyExpiry(c *Call, o options, f *account.Files, name string) (int, error) {
	if !o.has("expiredate") {
		return 0, nil
	}
	day := o.value("expiredate", "")
	if day == "-1" {
		day = ""
	}
	if _, err := strconv.Atoi(day); err != nil && day != "" {
		return 1, unhonoured(c, "an account that ends on a date has no place in an image")
	}
	f.EditShadow(name, func(s *account.Shadow) { s.Expire = day })
	return 0, nil
}

// setPassword changes a password where it stands: in shadow, or in passwd.
func setPassword(c *Call, f *account.Files, name string, change func(string) string) {
	if f.EditShadow(name, func(s *account.Shadow) { s.Password, s.LastChange = change(s.Password), today(c) }) {
		return
	}
	f.EditUser(name, func(u *account.User) { u.Password = change(u.Password) })
}

func renameUser(f *account.Files, old, name string) {
	f.EditUser(old, func(u *account.User) { u.Name = name })
	f.EditShadow(old, func(s *account.Shadow) { s.Name = name })
	for _, g := range f.Groups {
		if f.RemoveMember(g.Name, old) {
			f.AddMember(g.Name, name) // at the end, as usermod does
		}
	}
}

// Userdel is shadow's userdel(8). Home directories stay.
func Userdel(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "force,f")
	if err != nil {
		return shadowUsage, err
	}
	f, err := readAccounts(c)
	if err != nil {
		return 1, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	name := o.rest[0]
	u, ok := f.User(name)
	if !ok {
		return complain(c, shadowNoGroup, "user '%s' does not exist", name)
	}
	f.RemoveUser(name)
	if g, ok := f.Group(name); ok && g.GID == u.GID && len(g.Members) == 0 {
		f.RemoveGroup(name)
	}
	return 0, writeAccounts(c, f)
}

// Gpasswd is shadow's gpasswd(1), for adding and removing members.
func Gpasswd(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "add,a= delete,d= members,M=")
	if err != nil {
		return shadowUsage, err
	}
	f, err := readAccounts(c)
	if err != nil {
		return 1, err
	}
	if len(o.rest) != 1 || len(o.given) != 1 {
		return 2, unhonoured(c, "only -a, -d and -M are for scripts, one at a time")
	}
	group := o.rest[0]
	g, ok := f.Group(group)
	if !ok {
		return complain(c, 3, "group '%s' does not exist in /etc/group", group)
	}
	add, remove := o.given["add"], slices.Clone(o.given["delete"])
	if o.has("members") {
		remove, add = g.Members, strings.FieldsFunc(o.value("members", ""), func(r rune) bool { return r == ',' })
	}
	for _, u := range add {
		if _, ok := f.User(u); !ok {
			return complain(c, 3, "user '%s' does not exist", u)
		}
	}
	for _, u := range remove {
		if !f.RemoveMember(group, u) {
			return complain(c, 3, "user '%s' is not a member of '%s'", u, group)
		}
	}
	for _, u := range add {
		f.AddMember(group, u)
	}
	return 0, writeAccounts(c, f)
}
