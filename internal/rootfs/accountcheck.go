package rootfs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/recipe"
)

// checkAccounts refuses what is wrong with the recipe's accounts whatever else is
// in the image.
func checkAccounts(r *recipe.Recipe) error {
	own := &Accounts{}
	for i, u := range r.Users {
		own.Users = append(own.Users, User{u.Name, u.UID, 0, u.Gecos, cmp.Or(u.Home, noHome), cmp.Or(u.Shell, nologin), fmt.Sprintf("users[%d]", i)})
	}
	for i, g := range r.Groups {
		own.Groups = append(own.Groups, Group{Name: g.Name, GID: g.GID, place: fmt.Sprintf("groups[%d]", i)})
	}
	return own.check()
}

// check refuses what would make passwd(5) or group(5) say two things.
func (a *Accounts) check() error {
	byName, byID := map[string]string{}, map[int]string{}
	for _, u := range a.Users {
		if err := checkAccount("user", u.Name, u.UID, u.place, byName, byID); err != nil {
			return err
		}
		if err := checkFields(u.place, u.Gecos, u.Home, u.Shell); err != nil {
			return err
		}
		if !strings.HasPrefix(u.Home, "/") || !strings.HasPrefix(u.Shell, "/") {
			return userError("%s: the home %q and the shell %q must start with a slash", u.place, u.Home, u.Shell)
		}
	}
	byName, byID = map[string]string{}, map[int]string{}
	for _, g := range a.Groups {
		if err := checkAccount("group", g.Name, g.GID, g.place, byName, byID); err != nil {
			return err
		}
		for _, m := range g.Members {
			if !slices.ContainsFunc(a.Users, func(u User) bool { return u.Name == m }) {
				return noMember(g.place, g.Name, m)
			}
		}
	}
	return nil
}

func checkAccount(kind, name string, id int, place string, byName map[string]string, byID map[int]string) error {
	if !isAccountName(name) {
		return userError("%s: %q is no name for a %s: want a letter or _, then letters, digits, _, - or ., at most 32 in all", place, name, kind)
	}
	if id < 0 || id > 1<<32-2 {
		return userError("%s: the number %d of the %s %q is out of range", place, id, kind, name)
	}
	if other, ok := byName[name]; ok {
		return userError("%s: there is a %s %q already: %s", place, kind, name, other)
	}
	if other, ok := byID[id]; ok {
		return userError("%s: the number %d of the %s %q is taken: %s", place, id, kind, name, other)
	}
	byName[name], byID[id] = place, place
	return nil
}

// isAccountName is what shadow's tools accept, and ".".
func isAccountName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-' || c == '.')) {
			return false
		}
	}
	return true
}

func checkFields(place string, fields ...string) error {
	for _, f := range fields {
		if strings.ContainsAny(f, ":\n\r\x00") {
			return userError("%s: %q holds a colon or a line break, which /etc/passwd cannot hold", place, f)
		}
	}
	return nil
}
