// Package accounttool is the commands that make and change users and groups:
// adduser's, shadow's, base-passwd's update-passwd, and getent of the C library.
package accounttool

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Useradd is shadow's useradd(8).
func Useradd(_ context.Context, c *command.Call) (int, error) {
	s, status, err := readShadow(c, "base-dir,b= comment,c= home-dir,d= expiredate,e= inactive,f= gid,g= groups,G= skel,k= key,K= "+
		"no-log-init,l create-home,m no-create-home,M no-user-group,N non-unique,o password,p= system,r shell,s= uid,u= user-group,U badname")
	if status != 0 || err != nil {
		return status, err
	}
	a, status, err := newUserAdder(s)
	if status != 0 || err != nil {
		return status, err
	}
	return a.run()
}

// userAdder is one call of useradd.
type userAdder struct {
	*shadowCall
	defs   account.LoginDefs
	system bool
	user   account.User
}

func newUserAdder(s *shadowCall) (*userAdder, int, error) {
	defs, status, err := s.defs()
	if status != 0 || err != nil {
		return nil, status, err
	}
	if err := account.CheckName(s.name); err != nil {
		status, err := s.c.Complain(shadowBadArg, "invalid user name '%s'", s.name)
		return nil, status, err
	}
	if _, there := s.files.User(s.name); there {
		status, err := s.c.Complain(shadowNameIn, "user '%s' already exists", s.name)
		return nil, status, err
	}
	return &userAdder{shadowCall: s, defs: defs, system: s.o.Has("system")}, 0, nil
}

func (a *userAdder) run() (int, error) {
	steps := []func() (int, error){a.chooseUID, a.chooseGroup, a.record, a.joinGroups}
	for _, step := range steps {
		if status, err := step(); status != 0 || err != nil {
			return status, err
		}
	}
	if err := a.c.WriteAccounts(a.files); err != nil {
		return 1, err
	}
	if !a.system {
		if err := subordinate(a.c, a.name); err != nil {
			return 1, err
		}
	}
	return 0, a.makeHome()
}

func (a *userAdder) chooseUID() (status int, err error) {
	used := a.files.UsedUIDs()
	a.user.UID, status, err = a.uid(-1, used)
	if status != 0 || err != nil || a.user.UID >= 0 {
		return status, err
	}
	if a.system {
		a.user.UID, err = account.System(a.defs.SysUIDs, used)
	} else {
		a.user.UID, err = account.Ordinary(a.defs.UIDs, used)
	}
	if err != nil {
		return a.c.Complain(shadowIDUsed, "%v", err)
	}
	return 0, nil
}

// chooseGroup finds the primary group, or makes one of the user's own.
func (a *userAdder) chooseGroup() (status int, err error) {
	if a.o.Has("gid") {
		a.user.GID, status, err = a.primary(-1)
		return status, err
	}
	if a.o.Has("no-user-group") || !a.defs.UserGroups && !a.o.Has("user-group") {
		a.user.GID = 100 // GROUP= of /etc/default/useradd is not set in Debian; shadow's default
		return 0, nil
	}
	if _, there := a.files.Group(a.name); there {
		return a.c.Complain(shadowNameIn, "group %s exists - if you want to add this user to that group, use -g.", a.name)
	}
	gid, err := chooseGID(a.files, a.defs, a.system, a.user.UID)
	if err != nil {
		return a.c.Complain(shadowIDUsed, "%v", err)
	}
	a.user.GID = gid
	a.files.AddGroup(account.Group{Name: a.name, GID: gid}, "!")
	return 0, nil
}

// chooseGID is shadow's choice for a new group: preferred where it is free, and
// not negative.
func chooseGID(f *account.Files, defs account.LoginDefs, system bool, preferred int) (int, error) {
	used := f.UsedGIDs()
	r, least := defs.GIDs, defs.GIDs.Min
	if system {
		r, least = defs.SysGIDs, 1
	}
	if preferred >= least && preferred <= r.Max && !slices.Contains(used, preferred) {
		return preferred, nil
	}
	if system {
		return account.System(r, used)
	}
	return account.Ordinary(r, used)
}

// record appends the lines of passwd and shadow.
func (a *userAdder) record() (int, error) {
	comment := a.o.Value("comment", "")
	home := a.o.Value("home-dir", a.o.Value("base-dir", "/home")+"/"+a.name)
	if strings.ContainsAny(comment+home, ":\n") || !strings.HasPrefix(home, "/") {
		return a.c.Complain(shadowBadArg, "invalid comment or home directory")
	}
	shell := a.o.Value("shell", "/bin/sh")
	text, err := a.c.FS.ReadIfThere("/etc/default/useradd")
	if err != nil {
		return 1, err
	}
	for _, line := range command.NonEmptyLines(text) {
		if v, ok := strings.CutPrefix(line, "SHELL="); ok && !a.o.Has("shell") {
			shell = v
		}
	}
	a.user.Name, a.user.Gecos, a.user.Home, a.user.Shell = a.name, comment, home, shell
	s := account.Shadow{Password: a.o.Value("password", "!"), LastChange: a.c.Today(), Inactive: a.o.Value("inactive", "")}
	if !a.system {
		s.Min, s.Max, s.Warn = a.defs.PassMin, a.defs.PassMax, a.defs.PassWarn
	}
	if a.o.Has("expiredate") && a.o.Value("expiredate", "") != "" {
		return 1, a.c.Unhonoured("an account that ends on a date has no place in an image")
	}
	a.files.AddUser(a.user, s)
	return 0, nil
}

func (a *userAdder) joinGroups() (int, error) {
	names, status, err := a.groups()
	for _, name := range names {
		a.files.AddMember(name, a.name)
	}
	return status, err
}

// subordinate gives a person ids of their own for user namespaces, as useradd does
// where the files are there.
func subordinate(c *command.Call, name string) error {
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		text, err := c.FS.ReadIfThere(file)
		if err != nil || !c.FS.IsFile(file) {
			if err != nil {
				return err
			}
			continue
		}
		line := name + ":" + strconv.Itoa(nextSubordinate(text)) + ":65536\n"
		if err := c.FS.Append(file, []byte(line), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// nextSubordinate returns the first id after every range that is given away.
func nextSubordinate(text []byte) int {
	next := 100000
	for _, line := range command.NonEmptyLines(text) {
		f := strings.Split(line, ":")
		if len(f) != 3 {
			continue
		}
		start, err1 := strconv.Atoi(f[1])
		count, err2 := strconv.Atoi(f[2])
		if err1 == nil && err2 == nil {
			next = max(next, start+count)
		}
	}
	return next
}

func (a *userAdder) makeHome() error {
	if a.o.Has("no-create-home") || !a.o.Has("create-home") && (a.system || !a.defs.CreateHome) {
		return nil
	}
	if a.c.FS.Exists(a.user.Home) {
		return nil
	}
	return createHome(a.c, a.user, a.defs.HomeMode, a.o.Value("skel", "/etc/skel"))
}

// createHome makes a home directory and fills it from skel, "" for nothing.
func createHome(c *command.Call, u account.User, mode uint32, skel string) error {
	if err := c.FS.MkdirAll(path.Dir(u.Home), 0o755); err != nil {
		return err
	}
	if err := c.FS.Mkdir(u.Home, mode); err != nil {
		return err
	}
	if err := c.FS.Chmod(u.Home, mode); err != nil {
		return err
	}
	if err := c.FS.Chown(u.Home, u.UID, u.GID); err != nil {
		return err
	}
	if skel == "" || !c.FS.IsDir(skel) {
		return nil
	}
	return c.FS.CopyTree(skel, u.Home, u.UID, u.GID)
}
