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

// Statuses of the shadow tools, as useradd(8) numbers them.
const (
	shadowUsage   = 2
	shadowBadArg  = 3
	shadowIDUsed  = 4
	shadowNoGroup = 6
	shadowNameIn  = 9
)

// Useradd is shadow's useradd(8).
func Useradd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("base-dir,b= comment,c= home-dir,d= expiredate,e= inactive,f= gid,g= groups,G= skel,k= key,K= " +
		"no-log-init,l create-home,m no-create-home,M no-user-group,N non-unique,o password,p= system,r shell,s= uid,u= user-group,U badname")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(shadowUsage, "needs one name")
	}
	a, status, err := newUserAdder(c, o)
	if status != 0 || err != nil {
		return status, err
	}
	return a.run()
}

// userAdder is one call of useradd.
type userAdder struct {
	c      *command.Call
	o      command.Options
	defs   account.LoginDefs
	files  *account.Files
	name   string
	system bool
	user   account.User
}

func newUserAdder(c *command.Call, o command.Options) (*userAdder, int, error) {
	a := &userAdder{c: c, o: o, name: o.Rest[0], system: o.Has("system")}
	var err error
	if a.files, err = c.ReadAccounts(); err != nil {
		return nil, 1, err
	}
	if a.defs, err = c.LoginDefs(); err != nil {
		return nil, 1, err
	}
	for _, kv := range o.Given["key"] {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			status, err := c.Complain(shadowBadArg, "-K requires KEY=VALUE")
			return nil, status, err
		}
		a.defs.Set(name, value)
	}
	if err := account.CheckName(a.name); err != nil {
		status, err := c.Complain(shadowBadArg, "invalid user name '%s'", a.name)
		return nil, status, err
	}
	if _, there := a.files.User(a.name); there {
		status, err := c.Complain(shadowNameIn, "user '%s' already exists", a.name)
		return nil, status, err
	}
	return a, 0, nil
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
	if err := a.subordinate(); err != nil {
		return 1, err
	}
	return 0, a.makeHome()
}

func (a *userAdder) chooseUID() (int, error) {
	var err error
	used := a.files.UsedUIDs()
	switch {
	case a.o.Has("uid"):
		a.user.UID, err = strconv.Atoi(a.o.Value("uid", ""))
		if err != nil || a.user.UID < 0 {
			return a.c.Complain(shadowBadArg, "invalid user ID '%s'", a.o.Value("uid", ""))
		}
		if slices.Contains(used, a.user.UID) && !a.o.Has("non-unique") {
			return a.c.Complain(shadowIDUsed, "UID %d is not unique", a.user.UID)
		}
	case a.system:
		a.user.UID, err = account.System(a.defs.SysUIDs, used)
	default:
		a.user.UID, err = account.Ordinary(a.defs.UIDs, used)
	}
	if err != nil {
		return a.c.Complain(shadowIDUsed, "%v", err)
	}
	return 0, nil
}

// chooseGroup finds the primary group, or makes one of the user's own.
func (a *userAdder) chooseGroup() (int, error) {
	if a.o.Has("gid") {
		g, ok := groupByNameOrID(a.files, a.o.Value("gid", ""))
		if !ok {
			return a.c.Complain(shadowNoGroup, "group '%s' does not exist", a.o.Value("gid", ""))
		}
		a.user.GID = g.GID
		return 0, nil
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

func groupByNameOrID(f *account.Files, s string) (account.Group, bool) {
	if id, err := strconv.Atoi(s); err == nil {
		return f.GroupByID(id)
	}
	return f.Group(s)
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
	for name := range strings.SplitSeq(a.o.Value("groups", ""), ",") {
		if name == "" {
			continue
		}
		g, ok := groupByNameOrID(a.files, name)
		if !ok {
			return a.c.Complain(shadowNoGroup, "group '%s' does not exist", name)
		}
		a.files.AddMember(g.Name, a.name)
	}
	return 0, nil
}

// subordinate gives people ids of their own for user namespaces, as useradd does
// where the files are there.
func (a *userAdder) subordinate() error {
	if a.system {
		return nil
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		text, err := a.c.FS.ReadIfThere(file)
		if err != nil || !a.c.FS.IsFile(file) {
			if err != nil {
				return err
			}
			continue
		}
		line := a.name + ":" + strconv.Itoa(nextSubordinate(text)) + ":65536\n"
		if err := a.c.FS.Append(file, []byte(line), 0o644); err != nil {
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
