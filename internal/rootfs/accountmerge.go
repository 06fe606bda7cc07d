package rootfs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"kiln"
	"kiln/internal/maint/account"
	"kiln/internal/maint/vfs"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// Where a package makes /etc/passwd, as base-passwd does, the recipe's users and
// groups are added to it as soon as it is there, before other packages' scripts can
// take their names or numbers.

// passwdMaker is the package that makes the files of accounts.
const passwdMaker = "base-passwd"

// makesPasswd reports whether the first layer's packages make /etc/passwd.
func (a *assembly) makesPasswd() bool {
	return slices.ContainsFunc(a.layers[0].units, func(u *unit) bool {
		return u.ID.Name == passwdMaker && u.ix.has("preinst") && !slices.Contains(u.skip, "preinst")
	})
}

// mergeAccounts adds the recipe's accounts to those of packages.
func (a *assembly) mergeAccounts(l *layer, fs *vfs.FS) error {
	if l.index > 0 || !a.makesPasswd() || len(a.in.Recipe.Users)+len(a.in.Recipe.Groups) == 0 {
		return nil
	}
	a.merged = true
	files, err := readAccounts(fs)
	if err != nil {
		return err
	}
	m := &accountMerge{files: files, day: strconv.FormatInt(int64(l.epoch)/(24*60*60), 10)}
	for i, g := range a.in.Recipe.Groups {
		if err := m.addGroup(g.Name, g.GID, fmt.Sprintf("groups[%d]", i)); err != nil {
			return err
		}
	}
	for i, u := range a.in.Recipe.Users {
		if err := m.addUser(u, fmt.Sprintf("users[%d]", i)); err != nil {
			return err
		}
	}
	for _, g := range a.in.Recipe.Groups {
		for _, name := range g.Members {
			files.AddMember(g.Name, name)
		}
	}
	origin := ruleOrigin("accounts")
	origin.Package = passwdMaker
	defer fs.Author(fs.Author(origin))
	return writeAccounts(fs, files)
}

// accountMerge is one merge.
type accountMerge struct {
	files *account.Files
	day   string // of the last change of passwords: days since 1970
}

func (m *accountMerge) addGroup(name string, gid int, place string) error {
	old, there := m.files.Group(name)
	if there && old.GID == gid {
		return nil
	}
	if there {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("%s: the group %q has the gid %d in the image already, not %d", place, name, old.GID, gid),
			Hints: []string{fmt.Sprintf("write gid: %d, or choose another name", old.GID)},
		}
	}
	if other, taken := m.files.GroupByID(gid); taken {
		return userError("%s: the number %d of the group %q is taken in the image: %s has it", place, gid, name, other.Name)
	}
	m.files.AddGroup(account.Group{Name: name, GID: gid}, "*")
	return nil
}

// addUser adds a user, or gives one that is there what the recipe says of it.
func (m *accountMerge) addUser(u recipe.User, place string) error {
	gid, err := m.primary(u, place)
	if err != nil {
		return err
	}
	if old, there := m.files.User(u.Name); there {
		if old.UID != u.UID || old.GID != gid {
			return &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("%s: the user %q has the numbers %d:%d in the image already, not %d:%d", place, u.Name, old.UID, old.GID, u.UID, gid),
				Hints: []string{fmt.Sprintf("write uid: %d, or choose another name", old.UID)},
			}
		}
		m.files.EditUser(u.Name, func(have *account.User) {
			have.Gecos, have.Home, have.Shell = cmp.Or(u.Gecos, have.Gecos), cmp.Or(u.Home, have.Home), cmp.Or(u.Shell, have.Shell)
		})
		return nil
	}
	if other, taken := m.files.UserByID(u.UID); taken {
		return userError("%s: the number %d of the user %q is taken in the image: %s has it", place, u.UID, u.Name, other.Name)
	}
	m.files.AddUser(
		account.User{Name: u.Name, UID: u.UID, GID: gid, Gecos: u.Gecos, Home: cmp.Or(u.Home, noHome), Shell: cmp.Or(u.Shell, nologin)},
		account.Shadow{Password: "*", LastChange: m.day, Min: "0", Max: "99999", Warn: "7"})
	return nil
}

// primary returns the user's primary group, made here where it is the user's own.
func (m *accountMerge) primary(u recipe.User, place string) (int, error) {
	if u.Group == "" {
		if old, there := m.files.User(u.Name); there {
			return old.GID, nil
		}
		return u.UID, m.addGroup(u.Name, u.UID, place)
	}
	g, there := m.files.Group(u.Group)
	if !there {
		return 0, noPrimary(place, u.Name, u.Group)
	}
	return g.GID, nil
}

func noPrimary(place, user, group string) error {
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("%s: the user %q has the primary group %q, which there is not", place, user, group),
		Hints: []string{fmt.Sprintf("add it: groups: [{name: %s, gid: ..., why: ...}]", group)},
	}
}

// checkMerged refuses a recipe whose accounts came to no file in the first layer, which is
// where they go. That layer may have been recalled while one above it is made anew.
func (a *assembly) checkMerged(l *layer) error {
	if l.index > 0 || a.merged || !a.makesPasswd() || len(a.in.Recipe.Users)+len(a.in.Recipe.Groups) == 0 {
		return nil
	}
	place := "users[0]"
	if len(a.in.Recipe.Users) == 0 {
		place = "groups[0]"
	}
	err := userError("%s: cannot add it to the image: %s is there to make %q and %q, and did not", place, passwdMaker, etcPasswd, etcGroup)
	err.Hints = []string{fmt.Sprintf("have kiln make them, with:\nskip:\n  - {package: %s, scripts: [preinst], why: ...}", passwdMaker)}
	return err
}

// lateMembers refuses members of the recipe's groups whom no script has made.
func (a *assembly) lateMembers(l *layer, fs *vfs.FS) error {
	if l.index < len(a.layers)-1 || !a.makesPasswd() {
		return nil
	}
	files, err := readAccounts(fs)
	if err != nil {
		return err
	}
	for i, g := range a.in.Recipe.Groups {
		for _, name := range g.Members {
			if _, there := files.User(name); !there {
				return noMember(fmt.Sprintf("groups[%d]", i), g.Name, name)
			}
		}
	}
	return nil
}

func noMember(place, group, member string) error {
	return userError("%s: the group %q has the member %q, who is no user of the image", place, group, member)
}

const etcPasswd, etcGroup, etcShadow, etcGShadow = "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"

// readAccounts reads the files of accounts of a tree that has them.
func readAccounts(f *vfs.FS) (*account.Files, error) {
	files := &account.Files{}
	for _, read := range []struct {
		path  string
		parse func([]byte) error
	}{
		{etcPasswd, func(b []byte) (err error) { files.Users, err = account.ParseUsers(b); return err }},
		{etcGroup, func(b []byte) (err error) { files.Groups, err = account.ParseGroups(b); return err }},
		{etcShadow, func(b []byte) (err error) { files.Shadows, err = account.ParseShadows(b); return err }},
		{etcGShadow, func(b []byte) (err error) { files.GShadows, err = account.ParseGShadows(b); return err }},
	} {
		b, err := f.ReadFile(read.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = read.parse(b)
		}
		if err != nil {
			return nil, userError("cannot read %q of the image: %v", read.path, err)
		}
	}
	return files, nil
}

func writeAccounts(fs *vfs.FS, files *account.Files) error {
	for _, file := range []struct {
		path    string
		content []byte
		mode    uint32
		there   bool
	}{
		{etcPasswd, account.Print(files.Users), 0o644, true},
		{etcGroup, account.Print(files.Groups), 0o644, true},
		{etcShadow, account.Print(files.Shadows), 0o640, files.Shadows != nil},
		{etcGShadow, account.Print(files.GShadows), 0o640, files.GShadows != nil},
	} {
		if !file.there {
			continue
		}
		if err := fs.WriteFile(file.path, file.content, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// readAccountTree reads the users and groups of the finished tree.
func (a *assembly) readAccountTree() (*Accounts, error) {
	read := func(path string) ([]byte, error) {
		e, ok := a.world.Lookup(path[1:])
		if !ok || e.Type != tree.File {
			return nil, nil
		}
		return a.contents.readAll(e.Content)
	}
	passwd, err := read(etcPasswd)
	if err != nil {
		return nil, err
	}
	group, err := read(etcGroup)
	if err != nil {
		return nil, err
	}
	return parseAccounts(passwd, group)
}

// parseAccounts reads passwd(5) and group(5).
func parseAccounts(passwd, group []byte) (*Accounts, error) {
	users, err := account.ParseUsers(passwd)
	if err != nil {
		return nil, userError("cannot read %q of the image: %v", etcPasswd, err)
	}
	groups, err := account.ParseGroups(group)
	if err != nil {
		return nil, userError("cannot read %q of the image: %v", etcGroup, err)
	}
	all := &Accounts{}
	for _, u := range users {
		all.Users = append(all.Users, User{Name: u.Name, UID: u.UID, GID: u.GID, Gecos: u.Gecos, Home: u.Home, Shell: u.Shell})
	}
	for _, g := range groups {
		all.Groups = append(all.Groups, Group{Name: g.Name, GID: g.GID, Members: g.Members})
	}
	return all, nil
}
