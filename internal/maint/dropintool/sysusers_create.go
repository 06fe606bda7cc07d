package dropintool

import (
	"slices"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// create adds what is missing: groups first, then users, then members.
func (s *sysusers) create() (int, error) {
	s.implicit()
	for i := range s.groups {
		if status, err := s.addGroup(&s.groups[i]); status != 0 || err != nil {
			return status, err
		}
	}
	for i := range s.users {
		if status, err := s.addUser(&s.users[i]); status != 0 || err != nil {
			return status, err
		}
	}
	s.addMembers()
	return 0, nil
}

// implicit adds users and groups that only "m" lines name.
func (s *sysusers) implicit() {
	named := func(name string) func(sysuser) bool { return func(o sysuser) bool { return o.Name == name } }
	for _, m := range s.members {
		if !slices.ContainsFunc(s.groups, named(m.ID)) && !slices.ContainsFunc(s.users, named(m.ID)) {
			s.groups = append(s.groups, sysuser{SysusersLine: SysusersLine{Type: "g", Name: m.ID}, uid: -1, gid: -1})
		}
		if !slices.ContainsFunc(s.users, named(m.Name)) {
			s.users = append(s.users, sysuser{SysusersLine: SysusersLine{Type: "u", Name: m.Name}, uid: -1, gid: -1})
		}
	}
}

// addGroup makes a group, or finds it, and settles its gid.
func (s *sysusers) addGroup(u *sysuser) (int, error) {
	if g, ok := s.files.Group(u.Name); ok {
		u.gid = g.GID
		return 0, nil
	}
	if u.gid >= 0 && u.strict {
		if _, ok := s.files.GroupByID(u.gid); !ok {
			return s.c.Complain(1, "Failed to create %s: please create GID %d", u.Name, u.gid)
		}
		return 0, nil
	}
	gid := u.gid
	if gid >= 0 && !s.gidFree(gid, u.Name, false) {
		gid = -1
	}
	if gid < 0 && u.uid >= 0 && s.gidFree(u.uid, u.Name, true) {
		gid = u.uid
	}
	if gid < 0 {
		var ok bool
		if gid, ok = highest(s.gids, func(id int) bool { return s.gidFree(id, u.Name, true) }); !ok {
			return s.c.Complain(1, "No free group ID available for %s.", u.Name)
		}
	}
	u.gid = gid
	s.newGroup = true
	s.files.Groups = append(s.files.Groups, account.Group{Name: u.Name, Password: "x", GID: gid})
	s.freshGroupShad = s.freshGroupShad || s.files.GShadows == nil
	s.files.GShadows = append(s.files.GShadows, account.GShadow{Name: u.Name, Password: "!*"})
	return 0, nil
}

func (s *sysusers) addUser(u *sysuser) (int, error) {
	if status, err := s.primary(u); status != 0 || err != nil {
		return status, err
	}
	if _, ok := s.files.User(u.Name); ok {
		return 0, nil
	}
	uid := u.uid
	if uid >= 0 && !s.uidFree(uid, u.Name, true) {
		uid = -1
	}
	if uid < 0 && s.uidFree(u.gid, u.Name, true) {
		uid = u.gid
	}
	if uid < 0 {
		var ok bool
		if uid, ok = highest(s.uids, func(id int) bool { return s.uidFree(id, u.Name, true) }); !ok {
			return s.c.Complain(1, "No free user ID available for %s.", u.Name)
		}
	}
	s.recordUser(u, uid)
	return 0, nil
}

// primary settles the primary group: one that is named, one that is queued under
// the user's name, or a new one of the user's own.
func (s *sysusers) primary(u *sysuser) (int, error) {
	name := u.group
	if name == "" {
		name = u.Name
	}
	if i := slices.IndexFunc(s.groups, func(g sysuser) bool { return g.Name == name }); i >= 0 {
		u.gid = s.groups[i].gid
		return 0, nil
	}
	if u.group == "" {
		return s.addGroup(u)
	}
	g, ok := s.files.Group(u.group)
	if !ok {
		return s.c.Complain(1, "Group '%s' does not exist.", u.group)
	}
	u.gid = g.GID
	return 0, nil
}

func (s *sysusers) recordUser(u *sysuser, uid int) {
	s.newUser = true
	home, shell, expire := u.Home, u.Shell, ""
	if home == "" {
		home = "/"
	}
	if shell == "" {
		shell = "/usr/sbin/nologin"
		if uid == 0 {
			shell = "/bin/sh"
		}
	}
	if u.Locked {
		expire = "1"
	}
	s.files.Users = append(s.files.Users, account.User{Name: u.Name, Password: "x", UID: uid, GID: u.gid, Gecos: u.Gecos, Home: home, Shell: shell})
	s.freshShadow = s.freshShadow || s.files.Shadows == nil
	s.files.Shadows = append(s.files.Shadows, account.Shadow{Name: u.Name, Password: "!*", LastChange: s.c.Today(), Expire: expire})
}

// addMembers puts users into groups; a list that changes is sorted, as
// systemd-sysusers does.
func (s *sysusers) addMembers() {
	for _, m := range s.members {
		if !s.files.AddMember(m.ID, m.Name) {
			continue
		}
		for i := range s.files.Groups {
			if s.files.Groups[i].Name == m.ID {
				slices.Sort(s.files.Groups[i].Members)
			}
		}
		for i := range s.files.GShadows {
			if s.files.GShadows[i].Name == m.ID {
				slices.Sort(s.files.GShadows[i].Members)
			}
		}
	}
}

// uidFree: no user has the id, and, where withGroup, no group of another name.
func (s *sysusers) uidFree(id int, name string, withGroup bool) bool {
	if _, taken := s.files.UserByID(id); taken {
		return false
	}
	g, taken := s.files.GroupByID(id)
	return !withGroup || !taken || g.Name == name
}

// gidFree is uidFree for groups.
func (s *sysusers) gidFree(id int, name string, withUser bool) bool {
	if _, taken := s.files.GroupByID(id); taken {
		return false
	}
	u, taken := s.files.UserByID(id)
	return !withUser || !taken || u.Name == name
}

func highest(ranges []account.Range, free func(int) bool) (int, bool) {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b account.Range) int { return b.Max - a.Max })
	for _, r := range sorted {
		for id := r.Max; id >= r.Min && id > 0; id-- {
			if id != 65535 && free(id) {
				return id, true
			}
		}
	}
	return 0, false
}

// save writes the files. Shadow files that were not there get no permissions at
// all, until shadowconfig gives them some.
func (s *sysusers) save() error {
	if err := s.c.WriteAccounts(s.files); err != nil {
		return err
	}
	for _, f := range []struct {
		path  string
		fresh bool
	}{{command.ShadowFile, s.freshShadow}, {command.GShadowFile, s.freshGroupShad}} {
		if !f.fresh {
			continue
		}
		if err := s.c.FS.Chown(f.path, 0, 0); err != nil {
			return err
		}
		if err := s.c.FS.Chmod(f.path, 0); err != nil {
			return err
		}
	}
	return nil
}
