package command

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
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
func Useradd(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "base-dir,b= comment,c= home-dir,d= expiredate,e= inactive,f= gid,g= groups,G= skel,k= key,K= "+
		"no-log-init,l create-home,m no-create-home,M no-user-group,N non-unique,o password,p= system,r shell,s= uid,u= user-group,U badname")
	if err != nil {
		return shadowUsage, err
	}
	if len(o.rest) != 1 {
		return complain(c, shadowUsage, "needs one name")
	}
	a, status, err := newUserAdder(c, o)
	if status != 0 || err != nil {
		return status, err
	}
	return a.run()
}

// userAdder is one call of useradd.
type userAdder struct {
	c      *Call
	o      options
	defs   account.LoginDefs
	files  *account.Files
	name   string
	system bool
	user   account.User
}

func newUserAdder(c *Call, o options) (*userAdder, int, error) {
	a := &userAdder{c: c, o: o, name: o.rest[0], system: o.has("system")}
	var err error
	if a.files, err = readAccounts(c); err != nil {
		return nil, 1, err
	}
	if a.defs, err = loginDefs(c); err != nil {
		return nil, 1, err
	}
	for _, kv := range o.given["key"] {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			status, err := complain(c, shadowBadArg, "-K requires KEY=VALUE")
			return nil, status, err
		}
		a.defs.Set(name, value)
	}
	if err := account.CheckName(a.name); err != nil {
		status, err := complain(c, shadowBadArg, "invalid user name '%s'", a.name)
		return nil, status, err
	}
	if _, there := a.files.User(a.name); there {
		status, err := complain(c, shadowNameIn, "user '%s' already exists", a.name)
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
	if err := writeAccounts(a.c, a.files); err != nil {
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
	case a.o.has("uid"):
		a.user.UID, err = strconv.Atoi(a.o.value("uid", ""))
		if err != nil || a.user.UID < 0 {
			return complain(a.c, shadowBadArg, "invalid user ID '%s'", a.o.value("uid", ""))
		}
		if slices.Contains(used, a.user.UID) && !a.o.has("non-unique") {
			return complain(a.c, shadowIDUsed, "UID %d is not unique", a.user.UID)
		}
	case a.system:
		a.user.UID, err = account.System(a.defs.SysUIDs, used)
	default:
		a.user.UID, err = account.Ordinary(a.defs.UIDs, used)
	}
	if err != nil {
		return complain(a.c, shadowIDUsed, "%v", err)
	}
	return 0, nil
}

// chooseGroup finds the primary group, or makes one of the user's own.
func (a *userAdder) chooseGroup() (int, error) {
	if a.o.has("gid") {
		g, ok := groupByNameOrID(a.files, a.o.value("gid", ""))
		if !ok {
			return complain(a.c, shadowNoGroup, "group '%s' does not exist", a.o.value("gid", ""))
		}
		a.user.GID = g.GID
		return 0, nil
	}
	if a.o.has("no-user-group") || !a.defs.UserGroups && !a.o.has("user-group") {
		a.user.GID = 100 // GROUP= of /etc/default/useradd is not set in Debian; shadow's default
		return 0, nil
	}
	if _, there := a.files.Group(a.name); there {
		return complain(a.c, shadowNameIn, "group %s exists - if you want to add this user to that group, use -g.", a.name)
	}
	gid, err := chooseGID(a.files, a.defs, a.system, a.user.UID)
	if err != nil {
		return complain(a.c, shadowIDUsed, "%v", err)
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
	comment := a.o.value("comment", "")
	home := a.o.value("home-dir", a.o.value("base-dir", "/home")+"/"+a.name)
	if strings.ContainsAny(comment+home, ":\n") || !strings.HasPrefix(home, "/") {
		return complain(a.c, shadowBadArg, "invalid comment or home directory")
	}
	shell := a.o.value("shell", "/bin/sh")
	text, err := readIfThere(a.c.FS, "/etc/default/useradd")
	if err != nil {
		return 1, err
	}
	for _, line := range nonEmptyLines(text) {
		if v, ok := strings.CutPrefix(line, "SHELL="); ok && !a.o.has("shell") {
			shell = v
		}
	}
	a.user.Name, a.user.Gecos, a.user.Home, a.user.Shell = a.name, comment, home, shell
	s := account.Shadow{Password: a.o.value("password", "!"), LastChange: today(a.c), Inactive: a.o.value("inactive", "")}
	if !a.system {
		s.Min, s.Max, s.Warn = a.defs.PassMin, a.defs.PassMax, a.defs.PassWarn
	}
	if a.o.has("expiredate") && a.o.value("expiredate", "") != "" {
		return 1, unhonoured(a.c, "an account that ends on a date has no place in an image")
	}
	a.files.AddUser(a.user, s)
	return 0, nil
}

func (a *userAdder) joinGroups() (int, error) {
	for name := range strings.SplitSeq(a.o.value("groups", ""), ",") {
		if name == "" {
			continue
		}
		g, ok := groupByNameOrID(a.files, name)
		if !ok {
			return complain(a.c, shadowNoGroup, "group '%s' does not exist", name)
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
		text, err := readIfThere(a.c.FS, file)
		if err != nil || !isFile(a.c.FS, file) {
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
	for _, line := range nonEmptyLines(text) {
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
	if a.o.has("no-create-home") || !a.o.has("create-home") && (a.system || !a.defs.CreateHome) {
		return nil
	}
	if exists(a.c.FS, a.user.Home) {
		return nil
	}
	return createHome(a.c, a.user, a.defs.HomeMode, a.o.value("skel", "/etc/skel"))
}

// createHome makes a home directory and fills it from skel, "" for nothing.
func createHome(c *Call, u account.User, mode uint32, skel string) error {
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
	if skel == "" || !isDir(c.FS, skel) {
		return nil
	}
	return copyTree(c.FS, skel, u.Home, u.UID, u.GID)
}
