package rootfs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// Accounts are the users and groups of an image, sorted by number.
type Accounts struct {
	Users  []User
	Groups []Group
}

// User is a line of /etc/passwd.
type User struct {
	Name               string
	UID, GID           int
	Gecos, Home, Shell string
	place              string
}

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string
	place   string
}

const (
	nologin = "/usr/sbin/nologin"
	noHome  = "/nonexistent"
	nobody  = 65534
)

// newAccounts makes the accounts of a recipe: its own, and root and nobody with
// their groups where it has none of these names.
func newAccounts(r *recipe.Recipe) (*Accounts, error) {
	a := &Accounts{}
	for i, g := range r.Groups {
		a.Groups = append(a.Groups, Group{g.Name, g.GID, slices.Clone(g.Members), fmt.Sprintf("groups[%d]", i)})
	}
	a.addGroup(Group{Name: "root", place: "kiln's own accounts"})
	a.addGroup(Group{Name: "nogroup", GID: nobody, place: "kiln's own accounts"})
	for i, u := range r.Users {
		if err := a.addUser(u, fmt.Sprintf("users[%d]", i)); err != nil {
			return nil, err
		}
	}
	for _, u := range []User{
		{Name: "root", Gecos: "root", Home: "/root", Shell: nologin, place: "kiln's own accounts"},
		{Name: "nobody", UID: nobody, GID: nobody, Gecos: "nobody", Home: noHome, Shell: nologin, place: "kiln's own accounts"},
	} {
		if !slices.ContainsFunc(a.Users, func(o User) bool { return o.Name == u.Name }) {
			a.Users = append(a.Users, u)
		}
	}
	slices.SortStableFunc(a.Users, func(x, y User) int { return cmp.Or(cmp.Compare(x.UID, y.UID), cmp.Compare(x.Name, y.Name)) })
	slices.SortStableFunc(a.Groups, func(x, y Group) int { return cmp.Or(cmp.Compare(x.GID, y.GID), cmp.Compare(x.Name, y.Name)) })
	return a, a.check()
}

func (a *Accounts) addGroup(g Group) {
	if a.group(g.Name) == nil {
		a.Groups = append(a.Groups, g)
	}
}

func (a *Accounts) group(name string) *Group {
	i := slices.IndexFunc(a.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Groups[i]
}

// addUser adds a user of the recipe, with its own group where it names none.
func (a *Accounts) addUser(u recipe.User, place string) error {
	primary := cmp.Or(u.Group, u.Name)
	if u.Group == "" {
		a.addGroup(Group{Name: u.Name, GID: u.UID, place: place})
	}
	g := a.group(primary)
	switch {
	case g == nil:
		return noPrimary(place, u.Name, primary)
	case u.Group == "" && g.GID != u.UID:
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("%s: the group of the user's own name %q has the gid %d (%s), not %d", place, u.Name, g.GID, g.place, u.UID),
			Hints: []string{fmt.Sprintf("name the group if that is meant: group: %s", u.Name)},
		}
	}
	a.Users = append(a.Users, User{u.Name, u.UID, g.GID, u.Gecos, cmp.Or(u.Home, noHome), cmp.Or(u.Shell, nologin), place})
	return nil
}

// Owner resolves "user[:group]", each by name or number, as chown and
// container.user have it. Without a group it is the user's primary one; a number
// that is no user's has group 0, as in docker.
func (a *Accounts) Owner(s string) (uid, gid int, err error) {
	user, group, both := strings.Cut(s, ":")
	uid, gid, err = a.userID(user)
	if err == nil && both {
		gid, err = a.groupID(group)
	}
	return uid, gid, err
}

func (a *Accounts) userID(s string) (uid, gid int, err error) {
	n, isNumber := number(s)
	var names []string
	for _, u := range a.Users {
		if u.Name == s || isNumber && u.UID == n {
			return u.UID, u.GID, nil
		}
		names = append(names, u.Name)
	}
	if isNumber {
		return n, 0, nil
	}
	return 0, 0, fmt.Errorf("there is no user %q in the image: want a number or one of %s", s, strings.Join(names, ", "))
}

func (a *Accounts) groupID(s string) (int, error) {
	if n, ok := number(s); ok {
		return n, nil
	}
	if g := a.group(s); g != nil {
		return g.GID, nil
	}
	var names []string
	for _, g := range a.Groups {
		names = append(names, g.Name)
	}
	return 0, fmt.Errorf("there is no group %q in the image: want a number or one of %s", s, strings.Join(names, ", "))
}

func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil && n < 1<<32-1
}

// passwd returns the text of /etc/passwd (passwd(5)). The "x" refers to
// /etc/shadow, which is not there: nobody can log in by password.
func (a *Accounts) passwd() []byte {
	var b []byte
	for _, u := range a.Users {
		b = fmt.Appendf(b, "%s:x:%d:%d:%s:%s:%s\n", u.Name, u.UID, u.GID, u.Gecos, u.Home, u.Shell)
	}
	return b
}

// groupFile returns the text of /etc/group (group(5)).
func (a *Accounts) groupFile() []byte {
	var b []byte
	for _, g := range a.Groups {
		b = fmt.Appendf(b, "%s:x:%d:%s\n", g.Name, g.GID, strings.Join(g.Members, ","))
	}
	return b
}

// makeAccounts writes the two files into the first layer.
func (a *assembly) makeAccounts(l *layer) error {
	for _, f := range []tree.Entry{
		a.contents.file("etc/passwd", a.accounts.passwd()),
		a.contents.file("etc/group", a.accounts.groupFile()),
	} {
		f.Origin = ruleOrigin("accounts")
		f.ModTime = l.epoch
		if err := a.own(&place{entry: f, layer: l}); err != nil {
			return err
		}
	}
	return nil
}
