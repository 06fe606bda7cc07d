package hosttool

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// ID is id(1), for the user that runs or for an account of the tree.
func ID(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("user,u group,g groups,G name,n real,r")
	if err != nil {
		return 0, err
	}
	user := userName(c)
	if len(o.Rest) > 0 {
		user = o.Rest[0]
	}
	account, ok := c.AccountLine("/etc/passwd", user, 0, 2)
	if !ok && user == "root" && len(o.Rest) == 0 {
		account, ok = []string{"root", "x", "0", "0"}, true
	}
	if !ok || len(account) < 4 {
		return c.Complain(1, "'%s': no such user", user)
	}
	groups := c.GroupsOf(account[0], account[3])
	named := func(file, id string) string {
		n, err := strconv.Atoi(id)
		if err != nil || !o.Has("name") {
			return id
		}
		return c.NameOf(file, n)
	}
	switch {
	case o.Has("user"):
		c.Say("%s", named("/etc/passwd", account[2]))
	case o.Has("group"):
		c.Say("%s", named("/etc/group", account[3]))
	case o.Has("groups"):
		var all []string
		for _, g := range groups {
			all = append(all, named("/etc/group", g))
		}
		c.Say("%s", strings.Join(all, " "))
	default:
		o.Given["name"] = []string{""}
		var all []string
		for _, g := range groups {
			all = append(all, fmt.Sprintf("%s(%s)", g, named("/etc/group", g)))
		}
		c.Say("uid=%s(%s) gid=%s(%s) groups=%s", account[2], account[0], account[3], named("/etc/group", account[3]), strings.Join(all, ","))
	}
	return 0, nil
}

// Whoami is whoami(1).
func Whoami(_ context.Context, c *command.Call) (int, error) {
	c.Say("%s", userName(c))
	return 0, nil
}

// userName is the name of the user that runs: root, or whom su(1) made it.
func userName(c *command.Call) string {
	uid, _ := c.FS.User()
	if uid == 0 {
		return "root"
	}
	return c.NameOf("/etc/passwd", uid)
}

// Groups is groups(1).
func Groups(ctx context.Context, c *command.Call) (int, error) {
	c.Args = append([]string{"-Gn"}, c.Args...)
	return ID(ctx, c)
}
