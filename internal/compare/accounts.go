package compare

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/account"
)

// AccountChange is what became of a user or group.
type AccountChange struct {
	Kind   string        `json:"kind"` // "user" or "group"
	Name   string        `json:"name"`
	Change string        `json:"change"` // "added", "removed" or "changed"
	Fields []FieldChange `json:"fields"`
}

// String tells it in one line.
func (c AccountChange) String() string {
	var parts []string
	for _, f := range c.Fields {
		switch {
		case c.Change == "changed":
			parts = append(parts, fmt.Sprintf("%s %s -> %s", f.Field, orNone(f.Before), orNone(f.After)))
		case f.Before+f.After != "":
			parts = append(parts, f.Field+" "+f.Before+f.After)
		}
	}
	return map[string]string{"added": "+ ", "removed": "- "}[c.Change] + map[bool]string{true: "~ "}[c.Change == "changed"] + c.Kind + " " + c.Name + ": " + strings.Join(parts, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// user is a user with what shadow says of the password.
type user struct {
	account.User
	password string // "locked" where none is accepted, "set", or "empty": anybody gets in
}

func (c *content) readAccounts() error {
	texts := map[string]string{}
	for _, name := range []string{"passwd", "group", "shadow"} {
		var err error
		if texts[name], err = c.side.text("etc/" + name); err != nil {
			return err
		}
	}
	shadows := map[string]string{}
	for line := range strings.Lines(texts["shadow"]) {
		if f := strings.Split(line, ":"); len(f) > 1 {
			shadows[f[0]] = f[1]
		}
	}
	users, err := account.ParseUsers([]byte(texts["passwd"]))
	if err != nil {
		c.strange = err
		return nil
	}
	for _, u := range users {
		hash := u.Password
		if shadow, ok := shadows[u.Name]; ok && hash == "x" {
			hash = shadow
		}
		c.users[u.Name] = user{u, passwordOf(hash)}
	}
	groups, err := account.ParseGroups([]byte(texts["group"]))
	for _, g := range groups {
		c.groups[g.Name] = g
	}
	c.strange = err
	return nil
}

// passwordOf tells what a password field means (shadow(5)), and not the hash itself.
func passwordOf(hash string) string {
	switch {
	case hash == "":
		return "empty"
	case hash == "x" || strings.HasPrefix(hash, "!") || strings.HasPrefix(hash, "*"):
		return "locked"
	}
	return "set"
}

func accountChanges(a, b *content) []AccountChange {
	all := []AccountChange{}
	for _, name := range bothKeys(a.users, b.users) {
		old, had := a.users[name]
		new, has := b.users[name]
		all = addAccount(all, "user", name, had, has, userFields(old), userFields(new))
	}
	for _, name := range bothKeys(a.groups, b.groups) {
		old, had := a.groups[name]
		new, has := b.groups[name]
		all = addAccount(all, "group", name, had, has, groupFields(old), groupFields(new))
	}
	return all
}

func userFields(u user) [][2]string {
	return [][2]string{
		{"uid", fmt.Sprint(u.UID)}, {"gid", fmt.Sprint(u.GID)}, {"home", u.Home}, {"shell", u.Shell}, {"name", u.Gecos}, {"password", u.password},
	}
}

func groupFields(g account.Group) [][2]string {
	members := slices.Sorted(slices.Values(g.Members))
	return [][2]string{{"gid", fmt.Sprint(g.GID)}, {"members", strings.Join(members, " ")}}
}

// addAccount adds what differs of one account, if anything does.
func addAccount(all []AccountChange, kind, name string, had, has bool, old, new [][2]string) []AccountChange {
	c := AccountChange{Kind: kind, Name: name, Change: "changed"}
	for i := range old {
		f := FieldChange{Field: old[i][0]}
		if had {
			f.Before = old[i][1]
		}
		if has {
			f.After = new[i][1]
		}
		if f.Before != f.After {
			c.Fields = append(c.Fields, f)
		}
	}
	switch {
	case !had:
		c.Change = "added"
	case !has:
		c.Change = "removed"
	case c.Fields == nil:
		return all
	}
	return append(all, c)
}

// logsIn tells whether a shell lets its user in (Debian's adduser and shells(5)). An
// empty one is /bin/sh (passwd(5)).
func logsIn(shell string) bool {
	return !slices.Contains([]string{"nologin", "false", "true", "sync", "halt", "shutdown"}, path.Base(shell))
}
