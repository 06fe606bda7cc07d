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
	s, status, err := readShadow(c, "append,a groups,G= gid,g= home,d= shell,s= comment,c= lock,L unlock,U uid,u= non-unique,o login,l= "+
		"password,p= expiredate,e= remove,r")
	if status != 0 || err != nil {
		return status, err
	}
	for _, step := range []func() (int, error){s.modifyUser, s.modifyGroups, s.modifyPassword, s.modifyExpiry, s.modifyLogin} {
		if status, err := step(); status != 0 || err != nil {
			return status, err
		}
	}
	return s.save()
}

func (s *shadowCall) modifyUser() (int, error) {
	old, status, err := s.user()
	if status != 0 || err != nil {
		return status, err
	}
	uid, status, err := s.uid(old.UID, s.files.UsedUIDs())
	if status != 0 || err != nil {
		return status, err
	}
	gid, status, err := s.primary(old.GID)
	if status != 0 || err != nil {
		return status, err
	}
	s.files.EditUser(s.name, func(u *account.User) {
		u.UID, u.GID = uid, gid
		u.Home, u.Shell, u.Gecos = s.o.Value("home", u.Home), s.o.Value("shell", u.Shell), s.o.Value("comment", u.Gecos)
	})
	return 0, nil
}

func (s *shadowCall) modifyGroups() (int, error) {
	if !s.o.Has("groups") {
		return 0, nil
	}
	want, status, err := s.groups()
	if status != 0 || err != nil {
		return status, err
	}
	for _, g := range s.files.Groups {
		switch in := slices.Contains(want, g.Name); {
		case in && s.o.Has("remove"), !in && !s.o.Has("append") && !s.o.Has("remove"):
			s.files.RemoveMember(g.Name, s.name)
		case in:
			s.files.AddMember(g.Name, s.name)
		}
	}
	return 0, nil
}

func (s *shadowCall) modifyPassword() (int, error) {
	switch {
	case s.o.Has("password"):
		setPassword(s.c, s.files, s.name, func(string) string { return s.o.Value("password", "") })
	case s.o.Has("lock"):
		setPassword(s.c, s.files, s.name, func(p string) string { return "!" + strings.TrimPrefix(p, "!") })
	case s.o.Has("unlock"):
		setPassword(s.c, s.files, s.name, func(p string) string { return strings.TrimPrefix(p, "!") })
	}
	return 0, nil
}

func (s *shadowCall) modifyExpiry() (int, error) {
	if !s.o.Has("expiredate") {
		return 0, nil
	}
	day := s.o.Value("expiredate", "")
	if day == "-1" {
		day = ""
	}
	if _, err := strconv.Atoi(day); err != nil && day != "" {
		return 1, s.c.Unhonoured("an account that ends on a date has no place in an image")
	}
	s.files.EditShadow(s.name, func(e *account.Shadow) { e.Expire = day })
	return 0, nil
}

func (s *shadowCall) modifyLogin() (int, error) {
	if !s.o.Has("login") {
		return 0, nil
	}
	name := s.o.Value("login", "")
	if _, there := s.files.User(name); there {
		return s.c.Complain(shadowNameIn, "user '%s' already exists", name)
	}
	renameUser(s.files, s.name, name)
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
	s, status, err := readShadow(c, "force,f")
	if status != 0 || err != nil {
		return status, err
	}
	u, status, err := s.user()
	if status != 0 || err != nil {
		return status, err
	}
	removeUser(s.files, u)
	return s.save()
}

// removeUser takes away a user, with the group of that name where nobody else is in
// it.
func removeUser(f *account.Files, u account.User) {
	f.RemoveUser(u.Name)
	if g, ok := f.Group(u.Name); ok && g.GID == u.GID && len(g.Members) == 0 {
		f.RemoveGroup(u.Name)
	}
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
		remove, add = g.Members, listed(o.Value("members", ""))
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
