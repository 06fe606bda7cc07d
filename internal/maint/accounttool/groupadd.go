package accounttool

import (
	"context"
	"slices"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Groupadd is shadow's groupadd(8).
func Groupadd(_ context.Context, c *command.Call) (int, error) {
	s, status, err := readShadow(c, "force,f gid,g= key,K= non-unique,o password,p= system,r users,U=")
	if status != 0 || err != nil {
		return status, err
	}
	if err := account.CheckName(s.name); err != nil {
		return c.Complain(shadowBadArg, "'%s' is not a valid group name", s.name)
	}
	if _, there := s.files.Group(s.name); there {
		if s.o.Has("force") {
			return 0, nil
		}
		return c.Complain(shadowNameIn, "group '%s' already exists", s.name)
	}
	gid, status, err := s.newGID()
	if status != 0 || err != nil {
		return status, err
	}
	s.files.AddGroup(account.Group{Name: s.name, GID: gid}, s.o.Value("password", "!"))
	for _, user := range listed(s.o.Value("users", "")) {
		s.files.AddMember(s.name, user)
	}
	return s.save()
}

// newGID is what -g asks for, unless that is taken and -f lets groupadd choose.
func (s *shadowCall) newGID() (gid, status int, err error) {
	used := s.files.UsedGIDs()
	if s.o.Has("force") {
		used = nil
	}
	gid, status, err = s.gid(-1, used)
	if status != 0 || err != nil {
		return 0, status, err
	}
	defs, status, err := s.defs()
	if status != 0 || err != nil {
		return 0, status, err
	}
	if gid >= 0 && (s.o.Has("non-unique") || !slices.Contains(s.files.UsedGIDs(), gid)) {
		return gid, 0, nil
	}
	gid, err = chooseGID(s.files, defs, s.o.Has("system"), -1)
	if err != nil {
		status, err := s.c.Complain(shadowIDUsed, "%v", err)
		return 0, status, err
	}
	return gid, 0, nil
}

// Groupdel is shadow's groupdel(8).
func Groupdel(_ context.Context, c *command.Call) (int, error) {
	s, status, err := readShadow(c, "force,f")
	if status != 0 || err != nil {
		return status, err
	}
	g, status, err := s.group()
	if status != 0 || err != nil {
		return status, err
	}
	if slices.ContainsFunc(s.files.Users, func(u account.User) bool { return u.GID == g.GID }) && !s.o.Has("force") {
		return c.Complain(8, "cannot remove the primary group of a user")
	}
	s.files.RemoveGroup(g.Name)
	return s.save()
}

// Groupmod is shadow's groupmod(8), for -n and -g.
func Groupmod(_ context.Context, c *command.Call) (int, error) {
	s, status, err := readShadow(c, "new-name,n= gid,g= non-unique,o")
	if status != 0 || err != nil {
		return status, err
	}
	old, status, err := s.group()
	if status != 0 || err != nil {
		return status, err
	}
	name := s.o.Value("new-name", old.Name)
	gid, status, err := s.gid(old.GID, s.files.UsedGIDs())
	if status != 0 || err != nil {
		return status, err
	}
	if _, there := s.files.Group(name); there && name != old.Name {
		return c.Complain(shadowNameIn, "group '%s' already exists", name)
	}
	renameGroup(s.files, old, name, gid)
	return s.save()
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
