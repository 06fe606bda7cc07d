package accounttool

import (
	"context"
	"slices"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// UpdatePasswd is update-passwd(8) of base-passwd: users and groups of the master
// files that are missing are added at the end, and those that differ in what
// Debian fixes (ids, home, shell) are set right.
func UpdatePasswd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("passwd-master,p= group-master,g= passwd,P= shadow,S= group,G= sanity-check,s verbose,v dry-run,n no-locking,L root=")
	if err != nil {
		return 1, err
	}
	for _, other := range []string{"passwd-master", "group-master", "passwd", "shadow", "group", "root"} {
		if o.Has(other) {
			return 1, c.Unhonoured("it works on the tree's own files")
		}
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	master, err := masterAccounts(c)
	if err != nil {
		return 1, err
	}
	changes := 0
	for _, g := range master.Groups {
		changes += updateGroup(f, g)
	}
	for _, u := range master.Users {
		changes += updateUser(c, f, u)
	}
	if o.Has("dry-run") || o.Has("sanity-check") {
		return changes, nil // scripts read the number of changes from the status
	}
	if changes == 0 {
		return 0, nil
	}
	return 0, c.WriteAccounts(f)
}

func masterAccounts(c *command.Call) (*account.Files, error) {
	f := &account.Files{}
	if err := command.ReadAccountFile(c, "/usr/share/base-passwd/passwd.master", account.ParseUsers, &f.Users); err != nil {
		return nil, c.Unhonoured("%v", err)
	}
	if err := command.ReadAccountFile(c, "/usr/share/base-passwd/group.master", account.ParseGroups, &f.Groups); err != nil {
		return nil, c.Unhonoured("%v", err)
	}
	return f, nil
}

// updateGroup returns the number of changes: 0 or 1.
func updateGroup(f *account.Files, want account.Group) int {
	i := slices.IndexFunc(f.Groups, func(g account.Group) bool { return g.Name == want.Name })
	if i < 0 {
		f.AddGroup(want, want.Password)
		return 1
	}
	if f.Groups[i].GID == want.GID {
		return 0
	}
	f.Groups[i].GID = want.GID
	return 1
}

func updateUser(c *command.Call, f *account.Files, want account.User) int {
	have, ok := f.User(want.Name)
	if !ok {
		f.AddUser(want, account.Shadow{Password: want.Password, LastChange: c.Today(), Min: "0", Max: "99999", Warn: "7"})
		return 1
	}
	right := have
	right.UID, right.GID, right.Home, right.Shell, right.Gecos = want.UID, want.GID, want.Home, want.Shell, want.Gecos
	if want.Name == "root" {
		// An administrator chooses root's home, shell and name.
		right.Home, right.Shell, right.Gecos = have.Home, have.Shell, have.Gecos
	}
	if right == have {
		return 0
	}
	f.EditUser(want.Name, func(u *account.User) { *u = right })
	return 1
}
