package accounttool

import (
	"context"
	"slices"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Shadowconfig is Debian's shadowconfig(8).
func Shadowconfig(ctx context.Context, c *command.Call) (int, error) {
	if len(c.Args) != 1 || c.Args[0] != "on" {
		return 1, c.Unhonoured("shadow passwords are on, always")
	}
	for _, convert := range []command.Func{Pwconv, Grpconv} {
		if status, err := convert(ctx, &command.Call{Name: c.Name, Stdout: c.Stdout, Stderr: c.Stderr, Dir: c.Dir, FS: c.FS, Machine: c.Machine}); status != 0 || err != nil {
			return status, err
		}
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	shadow, ok := f.Group("shadow")
	if !ok {
		return c.Complain(1, "there is no group shadow")
	}
	for _, p := range []struct {
		path string
		gid  int
		mode uint32
	}{{command.PasswdFile, 0, 0o644}, {command.GroupFile, 0, 0o644}, {command.ShadowFile, shadow.GID, 0o640}, {command.GShadowFile, shadow.GID, 0o640}} {
		if err := c.FS.SetPerm(p.path, 0, p.gid, p.mode); err != nil {
			return 1, err
		}
	}
	c.Say("Shadow passwords are now on.")
	return 0, nil
}

// Pwconv is shadow's pwconv(8): passwords go from passwd to shadow. Users without
// a line get one at the end, with the ages of login.defs.
func Pwconv(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) > 0 {
		return 2, c.Unhonoured("it takes no arguments")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	defs, err := c.LoginDefs()
	if err != nil {
		return 1, err
	}
	f.Shadows = slices.DeleteFunc(append([]account.Shadow{}, f.Shadows...), func(s account.Shadow) bool {
		_, ok := f.User(s.Name)
		return !ok
	})
	for i := range f.Users {
		u := &f.Users[i]
		if u.Password == "x" && f.EditShadow(u.Name, func(*account.Shadow) {}) {
			continue
		}
		s := account.Shadow{Name: u.Name, Password: u.Password, LastChange: c.Today(), Min: defs.PassMin, Max: defs.PassMax, Warn: defs.PassWarn}
		if !f.EditShadow(u.Name, func(old *account.Shadow) { old.Password, old.LastChange = u.Password, c.Today() }) {
			f.Shadows = append(f.Shadows, s)
		}
		u.Password = "x"
	}
	return 0, c.WriteAccounts(f)
}

// Grpconv is shadow's grpconv(8).
func Grpconv(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) > 0 {
		return 2, c.Unhonoured("it takes no arguments")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	f.GShadows = slices.DeleteFunc(append([]account.GShadow{}, f.GShadows...), func(s account.GShadow) bool {
		_, ok := f.Group(s.Name)
		return !ok
	})
	for i := range f.Groups {
		g := &f.Groups[i]
		at := slices.IndexFunc(f.GShadows, func(s account.GShadow) bool { return s.Name == g.Name })
		if at < 0 {
			f.GShadows = append(f.GShadows, account.GShadow{Name: g.Name, Password: g.Password})
			at = len(f.GShadows) - 1
		} else if g.Password != "x" {
			f.GShadows[at].Password = g.Password
		}
		f.GShadows[at].Members = slices.Clone(g.Members)
		g.Password = "x"
	}
	return 0, c.WriteAccounts(f)
}
