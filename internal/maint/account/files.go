package account

import (
	"slices"
)

// Files is the four files of a tree together. A nil Shadows or GShadows means
// that the tree has no such file, so that passwords stand in passwd and group.
type Files struct {
	Users    []User
	Groups   []Group
	Shadows  []Shadow
	GShadows []GShadow
}

// User returns the user named name.
func (f *Files) User(name string) (User, bool) {
	i := slices.IndexFunc(f.Users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, false
	}
	return f.Users[i], true
}

// UserByID returns the first user with this id.
func (f *Files) UserByID(uid int) (User, bool) {
	i := slices.IndexFunc(f.Users, func(u User) bool { return u.UID == uid })
	if i < 0 {
		return User{}, false
	}
	return f.Users[i], true
}

// Group returns the group named name.
func (f *Files) Group(name string) (Group, bool) {
	i := slices.IndexFunc(f.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return f.Groups[i], true
}

// GroupByID returns the first group with this id.
func (f *Files) GroupByID(gid int) (Group, bool) {
	i := slices.IndexFunc(f.Groups, func(g Group) bool { return g.GID == gid })
	if i < 0 {
		return Group{}, false
	}
	return f.Groups[i], true
}

// AddUser appends u and, where there is a shadow file, s. Without one the
// password of s goes to passwd, as shadow's tools do it.
func (f *Files) AddUser(u User, s Shadow) {
	u.Password = s.Password
	if f.Shadows != nil {
		u.Password = "x"
		s.Name = u.Name
		f.Shadows = append(f.Shadows, s)
	}
	f.Users = append(f.Users, u)
}

// AddGroup appends g with the given password, to gshadow where there is one.
func (f *Files) AddGroup(g Group, password string) {
	g.Password = password
	if f.GShadows != nil {
		g.Password = "x"
		f.GShadows = append(f.GShadows, GShadow{Name: g.Name, Password: password, Members: slices.Clone(g.Members)})
	}
	f.Groups = append(f.Groups, g)
}

// RemoveUser takes the user out of passwd, shadow and every group.
func (f *Files) RemoveUser(name string) {
	f.Users = slices.DeleteFunc(f.Users, func(u User) bool { return u.Name == name })
	f.Shadows = slices.DeleteFunc(f.Shadows, func(s Shadow) bool { return s.Name == name })
	for _, g := range f.Groups {
		f.RemoveMember(g.Name, name)
	}
}

// RemoveGroup takes the group out of group and gshadow.
func (f *Files) RemoveGroup(name string) {
	f.Groups = slices.DeleteFunc(f.Groups, func(g Group) bool { return g.Name == name })
	f.GShadows = slices.DeleteFunc(f.GShadows, func(g GShadow) bool { return g.Name == name })
}

// AddMember makes user a member of group and reports whether it was not one.
func (f *Files) AddMember(group, user string) bool {
	added := false
	for i := range f.Groups {
		if g := &f.Groups[i]; g.Name == group && !slices.Contains(g.Members, user) {
			g.Members = append(slices.Clone(g.Members), user)
			added = true
		}
	}
	for i := range f.GShadows {
		if g := &f.GShadows[i]; g.Name == group && !slices.Contains(g.Members, user) {
			g.Members = append(slices.Clone(g.Members), user)
		}
	}
	return added
}

// RemoveMember takes user out of group and reports whether it was a member.
func (f *Files) RemoveMember(group, user string) bool {
	removed := false
	for i := range f.Groups {
		if g := &f.Groups[i]; g.Name == group && slices.Contains(g.Members, user) {
			g.Members = without(g.Members, user)
			removed = true
		}
	}
	for i := range f.GShadows {
		if g := &f.GShadows[i]; g.Name == group {
			g.Members, g.Admins = without(g.Members, user), without(g.Admins, user)
		}
	}
	return removed
}

// EditUser changes the user named name in place and reports whether there is one.
func (f *Files) EditUser(name string, edit func(*User)) bool {
	for i := range f.Users {
		if f.Users[i].Name == name {
			edit(&f.Users[i])
			return true
		}
	}
	return false
}

// EditShadow changes the shadow line of name in place and reports whether there
// is one.
func (f *Files) EditShadow(name string, edit func(*Shadow)) bool {
	for i := range f.Shadows {
		if f.Shadows[i].Name == name {
			edit(&f.Shadows[i])
			return true
		}
	}
	return false
}
