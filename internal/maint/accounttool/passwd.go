package accounttool

import (
	"bufio"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Passwd is shadow's passwd(1), for locking and unlocking.
func Passwd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("lock,l unlock,u delete,d quiet,q")
	if err != nil {
		return 2, err
	}
	if len(o.Rest) != 1 || len(o.Given) == 0 {
		return 1, c.Unhonoured("nobody is there to type a password")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	if _, ok := f.User(o.Rest[0]); !ok {
		return c.Complain(1, "user '%s' does not exist", o.Rest[0])
	}
	setPassword(c, f, o.Rest[0], func(p string) string {
		switch {
		case o.Has("delete"):
			return ""
		case o.Has("lock"):
			return "!" + strings.TrimPrefix(p, "!")
		}
		return strings.TrimPrefix(p, "!")
	})
	return 0, c.WriteAccounts(f)
}

// Chpasswd is shadow's chpasswd(8) for passwords that are hashed already: kiln
// makes up no salts.
func Chpasswd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("encrypted,e")
	if err != nil {
		return 2, err
	}
	if !o.Has("encrypted") {
		return 1, c.Unhonoured("a password in plain text has no place in an image: give its hash with -e")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	lines := bufio.NewScanner(c.Stdin)
	for lines.Scan() {
		name, hash, ok := strings.Cut(lines.Text(), ":")
		if _, known := f.User(name); !ok || !known {
			return c.Complain(1, "user '%s' does not exist", name)
		}
		setPassword(c, f, name, func(string) string { return hash })
	}
	if err := lines.Err(); err != nil {
		return 1, err
	}
	return 0, c.WriteAccounts(f)
}

// Chage is shadow's chage(1).
func Chage(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("lastday,d= expiredate,E= inactive,I= mindays,m= maxdays,M= warndays,W=")
	if err != nil {
		return 2, err
	}
	if len(o.Rest) != 1 || len(o.Given) == 0 {
		return 2, c.Unhonoured("it needs a user and something to set")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Given)) {
		if _, err := strconv.Atoi(o.Value(name, "")); err != nil {
			return 2, c.Unhonoured("%q is no number of days", o.Value(name, ""))
		}
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	days := func(option, old string) string {
		v := o.Value(option, old)
		if v == "-1" {
			return ""
		}
		return v
	}
	ok := f.EditShadow(o.Rest[0], func(s *account.Shadow) {
		s.LastChange, s.Expire, s.Inactive = days("lastday", s.LastChange), days("expiredate", s.Expire), days("inactive", s.Inactive)
		s.Min, s.Max, s.Warn = days("mindays", s.Min), days("maxdays", s.Max), days("warndays", s.Warn)
	})
	if !ok {
		return c.Complain(1, "user '%s' does not exist in /etc/shadow", o.Rest[0])
	}
	return 0, c.WriteAccounts(f)
}

// Chfn is shadow's chfn(1), and chsh(1) when called so.
func Chfn(_ context.Context, c *command.Call) (int, error) {
	spec := "full-name,f= room,r= work-phone,w= home-phone,h= other,o="
	if c.Name == "chsh" {
		spec = "shell,s="
	}
	o, err := c.ParseOptions(spec)
	if err != nil {
		return 2, err
	}
	if len(o.Rest) != 1 || len(o.Given) == 0 {
		return 2, c.Unhonoured("nobody is there to answer")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	ok := f.EditUser(o.Rest[0], func(u *account.User) {
		u.Shell = o.Value("shell", u.Shell)
		parts := append(strings.SplitN(u.Gecos, ",", 5), "", "", "", "", "")[:5]
		for i, name := range []string{"full-name", "room", "work-phone", "home-phone", "other"} {
			parts[i] = o.Value(name, parts[i])
		}
		if c.Name != "chsh" {
			u.Gecos = strings.TrimSuffix(strings.Join(parts, ","), ",")
		}
	})
	if !ok {
		return c.Complain(1, "user '%s' does not exist", o.Rest[0])
	}
	return 0, c.WriteAccounts(f)
}
