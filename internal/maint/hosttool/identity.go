package hosttool

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// ID is id(1), for root or for an account of the tree.
func ID(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("user,u group,g groups,G name,n real,r")
	if err != nil {
		return 0, err
	}
	user := "root"
	if len(o.Rest) > 0 {
		user = o.Rest[0]
	}
	account, ok := c.AccountLine("/etc/passwd", user, 0, 2)
	if !ok && len(o.Rest) == 0 {
		account, ok = []string{"root", "x", "0", "0"}, true
	}
	if !ok || len(account) < 4 {
		return c.Complain(1, "'%s': no such user", user)
	}
	groups := groupsOf(c, account[0], account[3])
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

// groupsOf returns the numbers of a user's groups, the primary one first.
func groupsOf(c *command.Call, user, primary string) []string {
	all := []string{primary}
	data, err := c.FS.ReadFile("/etc/group")
	if err != nil {
		return all
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 4 || f[2] == primary {
			continue
		}
		for member := range strings.SplitSeq(f[3], ",") {
			if member == user {
				all = append(all, f[2])
			}
		}
	}
	return all
}

// Whoami is whoami(1).
func Whoami(_ context.Context, c *command.Call) (int, error) {
	c.Say("root")
	return 0, nil
}

// Groups is groups(1).
func Groups(ctx context.Context, c *command.Call) (int, error) {
	c.Args = append([]string{"-Gn"}, c.Args...)
	return ID(ctx, c)
}
