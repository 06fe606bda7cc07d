package dropintool

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// SystemdSysusers is systemd-sysusers(8).
func SystemdSysusers(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("root= replace= inline no-pager")
	if err != nil {
		return 1, err
	}
	if r := o.Value("root", ""); r != "" && r != "/" {
		return 1, c.Unhonoured("there is one root only")
	}
	s := &sysusers{c: c}
	if status, err := s.read(o); status != 0 || err != nil {
		return status, err
	}
	if s.files, err = c.ReadAccounts(); err != nil {
		return 1, err
	}
	if err := s.ranges(); err != nil {
		return 1, err
	}
	if status, err := s.create(); status != 0 || err != nil {
		return status, err
	}
	return 0, s.save()
}

// sysusers is one run: what the files ask for, in their order.
type sysusers struct {
	c              *command.Call
	groups, users  []sysuser
	members        []SysusersLine // type m
	given          []account.Range
	uids, gids     []account.Range
	files          *account.Files
	newUser        bool
	newGroup       bool
	freshShadow    bool
	freshGroupShad bool
}

// sysuser is a user or group to be.
type sysuser struct {
	SysusersLine
	uid, gid int    // -1 where not asked for
	group    string // name of the primary group, where another's
	strict   bool   // gid must be there already
}

func (s *sysusers) read(o command.Options) (int, error) {
	if o.Has("inline") {
		return s.parse("the command line", strings.Join(o.Rest, "\n"))
	}
	files, missing, err := configFiles(s.c.FS, "sysusers.d", slices.DeleteFunc(slices.Clone(o.Rest), func(a string) bool { return a == "-" }))
	if err != nil {
		return 1, err
	}
	if missing != "" {
		return s.c.Complain(1, "Failed to open '%s': No such file or directory", missing)
	}
	if slices.Contains(o.Rest, "-") {
		text, err := io.ReadAll(s.c.Stdin)
		if err != nil {
			return 1, err
		}
		return s.parse("-", string(text))
	}
	for _, f := range files {
		text, err := s.c.FS.ReadFile(f)
		if err != nil {
			return 1, err
		}
		if status, err := s.parse(f, string(text)); status != 0 || err != nil {
			return status, err
		}
	}
	return 0, nil
}

func (s *sysusers) parse(file, text string) (int, error) {
	lines, err := ParseSysusers(text)
	if err != nil {
		return 1, s.c.Unhonoured("%s: %v", file, err)
	}
	for _, l := range lines {
		if err := s.take(l); err != nil {
			return 1, s.c.Unhonoured("%s: %v", file, err)
		}
	}
	return 0, nil
}

// take adds one line to what is asked for. Of two lines for one name the first
// wins.
func (s *sysusers) take(l SysusersLine) error {
	for _, p := range []*string{&l.Name, &l.ID, &l.Gecos, &l.Home, &l.Shell} {
		v, err := expandSpecifiers(s.c, *p)
		if err != nil {
			return err
		}
		*p = v
	}
	if err := l.check(); err != nil {
		return err // the specifiers made it bad
	}
	switch l.Type {
	case "m":
		s.members = append(s.members, l)
		return nil
	case "r":
		r, err := parseRange(l.ID)
		s.given = append(s.given, r)
		return err
	}
	u := sysuser{SysusersLine: l, uid: -1, gid: -1}
	if err := u.readID(s); err != nil {
		return err
	}
	list := &s.users
	if l.Type == "g" {
		list = &s.groups
	}
	if !slices.ContainsFunc(*list, func(o sysuser) bool { return o.Name == l.Name }) {
		*list = append(*list, u)
	}
	return nil
}

// readID reads the third field: a number, "uid:gid", "uid:group", or the path of a
// file whose owner counts.
func (u *sysuser) readID(s *sysusers) error {
	id := u.ID
	if strings.HasPrefix(id, "/") {
		i, err := s.c.FS.Stat(id)
		if err == nil {
			u.uid, u.gid = i.UID, i.GID
		}
		if u.Type == "u" {
			u.gid = -1
		}
		return nil
	}
	if u.Type == "u" {
		if uid, group, ok := strings.Cut(id, ":"); ok {
			id = uid
			if gid, err := strconv.Atoi(group); err == nil {
				u.gid, u.strict = gid, true
			} else {
				u.group = group
			}
		}
	}
	if id == "-" || id == "" {
		return nil
	}
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return err
	}
	if u.Type == "g" {
		u.gid = int(n)
	} else {
		u.uid = int(n)
	}
	return nil
}

// ranges are the ids to choose from: "r" lines, else login.defs.
func (s *sysusers) ranges() error {
	defs, err := s.c.LoginDefs()
	if err != nil {
		return err
	}
	s.uids, s.gids = s.given, s.given
	if len(s.given) == 0 {
		// systemd's lowest id to give away is 1 where login.defs does not say.
		s.uids = []account.Range{{Min: defs.Number("SYS_UID_MIN", 1), Max: defs.SysUIDs.Max}}
		s.gids = s.uids
	}
	return nil
}
