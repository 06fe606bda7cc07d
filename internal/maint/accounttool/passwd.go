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
	s, err := readShadowEdit(c, "lock,l unlock,u delete,d quiet,q", "nobody is there to type a password")
	if err != nil {
		return shadowUsage, err
	}
	if _, ok := s.files.User(s.name); !ok {
		return c.Complain(1, "user '%s' does not exist", s.name)
	}
	setPassword(c, s.files, s.name, func(p string) string {
		switch {
		case s.o.Has("delete"):
			return ""
		case s.o.Has("lock"):
			return "!" + strings.TrimPrefix(p, "!")
		}
		return strings.TrimPrefix(p, "!")
	})
	return s.save()
}

// Chpasswd is shadow's chpasswd(8) for passwords that are hashed already: kiln
// makes up no salts.
func Chpasswd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("encrypted,e")
	if err != nil {
		return shadowUsage, err
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
	s, err := readShadowEdit(c, "lastday,d= expiredate,E= inactive,I= mindays,m= maxdays,M= warndays,W=", "it needs a user and something to set")
	if err != nil {
		return shadowUsage, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.o.Given)) {
		if _, err := strconv.Atoi(s.o.Value(name, "")); err != nil {
			return shadowUsage, c.Unhonoured("%q is no number of days", s.o.Value(name, ""))
		}
	}
	days := func(option, old string) string {
		v := s.o.Value(option, old)
		if v == "-1" {
			return ""
		}
		return v
	}
	ok := s.files.EditShadow(s.name, func(e *account.Shadow) {
		e.LastChange, e.Expire, e.Inactive = days("lastday", e.LastChange), days("expiredate", e.Expire), days("inactive", e.Inactive)
		e.Min, e.Max, e.Warn = days("mindays", e.Min), days("maxdays", e.Max), days("warndays", e.Warn)
	})
	if !ok {
		return c.Complain(1, "user '%s' does not exist in /etc/shadow", s.name)
	}
	return s.save()
}

// Chfn is shadow's chfn(1), and chsh(1) when called so.
func Chfn(_ context.Context, c *command.Call) (int, error) {
	spec := "full-name,f= room,r= work-phone,w= home-phone,h= other,o="
	if c.Name == "chsh" {
		spec = "shell,s="
	}
	s, err := readShadowEdit(c, spec, "nobody is there to answer")
	if err != nil {
		return shadowUsage, err
	}
	ok := s.files.EditUser(s.name, func(u *account.User) {
		u.Shell = s.o.Value("shell", u.Shell)
		parts := append(strings.SplitN(u.Gecos, ",", 5), "", "", "", "", "")[:5]
		for i, name := range []string{"full-name", "room", "work-phone", "home-phone", "other"} {
			parts[i] = s.o.Value(name, parts[i])
		}
		if c.Name != "chsh" {
			u.Gecos = strings.TrimSuffix(strings.Join(parts, ","), ",")
		}
	})
	if !ok {
		return c.Complain(1, "user '%s' does not exist", s.name)
	}
	return s.save()
}
