package accounttool

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Usermod is shadow's usermod(8), for what scripts change of an account that is
// there. Its home directory is never moved.
func Usermod(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("append,a groups,G= gid,g= home,d= shell,s= comment,c= lock,L unlock,U uid,u= non-unique,o login,l= " +
		"password,p= expiredate,e= remove,r")
	if err != nil {
		return shadowUsage, err
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	name := o.Rest[0]
	if _, ok := f.User(name); !ok {
		return c.Complain(shadowNoGroup, "user '%s' does not exist", name)
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
	if o.Has("login") {
		if _, there := f.User(o.Value("login", "")); there {
			return c.Complain(shadowNameIn, "user '%s' already exists", o.Value("login", ""))
		}
		renameUser(f, name, o.Value("login", ""))
	}
	return 0, c.WriteAccounts(f)
}

func modifyUser(c *command.Call, o command.Options, f *account.Files, name string) (int, error) {
	old, _ := f.User(name)
	uid, err := strconv.Atoi(o.Value("uid", strconv.Itoa(old.UID)))
	if err != nil || uid < 0 {
		return c.Complain(shadowBadArg, "invalid user ID '%s'", o.Value("uid", ""))
	}
	if uid != old.UID && slices.Contains(f.UsedUIDs(), uid) && !o.Has("non-unique") {
		return c.Complain(shadowIDUsed, "UID '%d' already exists", uid)
	}
	gid := old.GID
	if o.Has("gid") {
		g, ok := groupByNameOrID(f, o.Value("gid", ""))
		if !ok {
			return c.Complain(shadowNoGroup, "group '%s' does not exist", o.Value("gid", ""))
		}
		gid = g.GID
	}
	f.EditUser(name, func(u *account.User) {
		u.UID, u.GID = uid, gid
		u.Home, u.Shell, u.Gecos = o.Value("home", u.Home), o.Value("shell", u.Shell), o.Value("comment", u.Gecos)
	})
	return 0, nil
}

func modifyGroups(c *command.Call, o command.Options, f *account.Files, name string) (int, error) {
	if !o.Has("groups") {
		return 0, nil
	}
	var want []string
	for g := range strings.SplitSeq(o.Value("groups", ""), ",") {
		if g == "" {
			continue
		}
		group, ok := groupByNameOrID(f, g)
		if !ok {
			return c.Complain(shadowNoGroup, "group '%s' does not exist", g)
		}
		want = append(want, group.Name)
	}
	for _, g := range f.Groups {
		switch in := slices.Contains(want, g.Name); {
		case in && o.Has("remove"), !in && !o.Has("append") && !o.Has("remove"):
			f.RemoveMember(g.Name, name)
		case in:
			f.AddMember(g.Name, name)
		}
	}
	return 0, nil
}

func modifyPassword(c *command.Call, o command.Options, f *account.Files, name string) (int, error) {
	var change func(string) string
	switch {
	case o.Has("password"):
		change = func(string) string { return o.Value("password", "") }
	case o.Has("lock"):
		change = func(p string) string { return "!" + strings.TrimPrefix(p, "!") }
	case o.Has("unlock"):
		change = func(p string) string { return strings.TrimPrefix(p, "!") }
	case o.Has("expiredate"):
		return modifyExpiry(c, o, f, name)
	default:
		return 0, nil
	}
	setPassword(c, f, name, change)
	return modifyExpiry(c, o, f, name)
}

func modifyExpiry(c *command.Call, o command.Options, f *account.Files, name string) (int, error) {
	if !o.Has("expiredate") {
		return 0, nil
	}
	day := o.Value("expiredate", "")
	if day == "-1" {
		day = ""
	}
	if _, err := strconv.Atoi(day); err != nil && day != "" {
		return 1, c.Unhonoured("an account that ends on a date has no place in an image")
	}
	f.EditShadow(name, func(s *account.Shadow) { s.Expire = day })
	return 0, nil
}

// setPassword changes a password where it stands: in shadow, or in passwd.
func setPassword(c *command.Call, f *account.Files, name string, change func(string) string) {
	if f.EditShadow(name, func(s *account.Shadow) { s.Password, s.LastChange = change(s.Password), c.Today() }) {
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
func Userdel(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f")
	if err != nil {
		return shadowUsage, err
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	name := o.Rest[0]
	u, ok := f.User(name)
	if !ok {
		return c.Complain(shadowNoGroup, "user '%s' does not exist", name)
	}
	f.RemoveUser(name)
	if g, ok := f.Group(name); ok && g.GID == u.GID && len(g.Members) == 0 {
		f.RemoveGroup(name)
	}
	return 0, c.WriteAccounts(f)
}

// Gpasswd is shadow's gpasswd(1), for adding and removing members.
func Gpasswd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add,a= delete,d= members,M=")
	if err != nil {
		return shadowUsage, err
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 1 || len(o.Given) != 1 {
		return 2, c.Unhonoured("only -a, -d and -M are for scripts, one at a time")
	}
	group := o.Rest[0]
	g, ok := f.Group(group)
	if !ok {
		return c.Complain(3, "group '%s' does not exist in /etc/group", group)
	}
	add, remove := o.Given["add"], slices.Clone(o.Given["delete"])
	if o.Has("members") {
		remove, add = g.Members, strings.FieldsFunc(o.Value("members", ""), func(r rune) bool { return r == ',' })
	}
	for _, u := range add {
		if _, ok := f.User(u); !ok {
			return c.Complain(3, "user '%s' does not exist", u)
		}
	}
	for _, u := range remove {
		if !f.RemoveMember(group, u) {
			return c.Complain(3, "user '%s' is not a member of '%s'", u, group)
		}
	}
	for _, u := range add {
		f.AddMember(group, u)
	}
	return 0, c.WriteAccounts(f)
}
