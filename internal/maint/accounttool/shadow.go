package accounttool

import (
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

// shadowCall is one call of a command of shadow that makes or changes one user or
// group. Its methods that return a status have complained unless that is 0.
type shadowCall struct {
	c     *command.Call
	o     command.Options
	name  string
	files *account.Files
}

// readShadow reads options, the one name and the account files.
func readShadow(c *command.Call, spec string) (*shadowCall, int, error) {
	o, err := c.ParseOptions(spec)
	if err != nil {
		return nil, shadowUsage, err
	}
	if len(o.Rest) != 1 {
		status, err := c.Complain(shadowUsage, "needs one name")
		return nil, status, err
	}
	files, err := c.ReadAccounts()
	return &shadowCall{c, o, o.Rest[0], files}, 0, err
}

// readShadowEdit is readShadow for commands that ask somebody where they are not
// told what to set; that stops the build, for the reason why.
func readShadowEdit(c *command.Call, spec, why string) (*shadowCall, error) {
	o, err := c.ParseOptions(spec)
	if err != nil {
		return nil, err
	}
	if len(o.Rest) != 1 || len(o.Given) == 0 {
		return nil, c.Unhonoured("%s", why)
	}
	files, err := c.ReadAccounts()
	return &shadowCall{c, o, o.Rest[0], files}, err
}

// user returns the user that the call is about, who must be there.
func (s *shadowCall) user() (account.User, int, error) {
	u, ok := s.files.User(s.name)
	if !ok {
		status, err := s.c.Complain(shadowNoGroup, "user '%s' does not exist", s.name)
		return u, status, err
	}
	return u, 0, nil
}

// group returns the group that the call is about, which must be there.
func (s *shadowCall) group() (account.Group, int, error) {
	g, ok := s.files.Group(s.name)
	if !ok {
		status, err := s.c.Complain(shadowNoGroup, "group '%s' does not exist", s.name)
		return g, status, err
	}
	return g, 0, nil
}

// uid is the value of -u, or otherwise; used are those that need -o.
func (s *shadowCall) uid(otherwise int, used []int) (id, status int, err error) {
	return s.id("uid", "user", otherwise, used)
}

// gid is the value of -g, or otherwise; used are those that need -o.
func (s *shadowCall) gid(otherwise int, used []int) (id, status int, err error) {
	return s.id("gid", "group", otherwise, used)
}

func (s *shadowCall) id(option, what string, otherwise int, used []int) (id, status int, err error) {
	if !s.o.Has(option) {
		return otherwise, 0, nil
	}
	id, err = strconv.Atoi(s.o.Value(option, ""))
	if err != nil || id < 0 {
		status, err = s.c.Complain(shadowBadArg, "invalid %s ID '%s'", what, s.o.Value(option, ""))
		return 0, status, err
	}
	if id != otherwise && slices.Contains(used, id) && !s.o.Has("non-unique") {
		status, err = s.c.Complain(shadowIDUsed, "%s '%d' already exists", strings.ToUpper(option), id)
		return 0, status, err
	}
	return id, 0, nil
}

// primary is the group that -g names, or otherwise.
func (s *shadowCall) primary(otherwise int) (gid, status int, err error) {
	if !s.o.Has("gid") {
		return otherwise, 0, nil
	}
	g, status, err := s.named(s.o.Value("gid", ""))
	return g.GID, status, err
}

// groups are those that -G lists, by name.
func (s *shadowCall) groups() (names []string, status int, err error) {
	for _, name := range listed(s.o.Value("groups", "")) {
		g, status, err := s.named(name)
		if status != 0 || err != nil {
			return nil, status, err
		}
		names = append(names, g.Name)
	}
	return names, 0, nil
}

// named finds a group by name or number.
func (s *shadowCall) named(name string) (account.Group, int, error) {
	g, ok := groupByNameOrID(s.files, name)
	if !ok {
		status, err := s.c.Complain(shadowNoGroup, "group '%s' does not exist", name)
		return g, status, err
	}
	return g, 0, nil
}

func groupByNameOrID(f *account.Files, s string) (account.Group, bool) {
	if id, err := strconv.Atoi(s); err == nil {
		return f.GroupByID(id)
	}
	return f.Group(s)
}

// defs is login.defs, with what -K sets.
func (s *shadowCall) defs() (account.LoginDefs, int, error) {
	defs, err := s.c.LoginDefs()
	if err != nil {
		return defs, 1, err
	}
	for _, kv := range s.o.Given["key"] {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			status, err := s.c.Complain(shadowBadArg, "-K requires KEY=VALUE")
			return defs, status, err
		}
		defs.Set(name, value)
	}
	return defs, 0, nil
}

// save writes the account files.
func (s *shadowCall) save() (int, error) { return 0, s.c.WriteAccounts(s.files) }

// listed splits a list at its commas.
func listed(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}
