package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// ID is id(1), for root or for an account of the tree.
func ID(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "user,u group,g groups,G name,n real,r")
	if err != nil {
		return 0, err
	}
	user := "root"
	if len(o.rest) > 0 {
		user = o.rest[0]
	}
	account, ok := c.account("/etc/passwd", user, 0, 2)
	if !ok && len(o.rest) == 0 {
		account, ok = []string{"root", "x", "0", "0"}, true
	}
	if !ok || len(account) < 4 {
		return complain(c, 1, "'%s': no such user", user)
	}
	groups := c.groupsOf(account[0], account[3])
	named := func(file, id string) string {
		n, err := strconv.Atoi(id)
		if err != nil || !o.has("name") {
			return id
		}
		return c.nameOf(file, n)
	}
	switch {
	case o.has("user"):
		say(c, "%s", named("/etc/passwd", account[2]))
	case o.has("group"):
		say(c, "%s", named("/etc/group", account[3]))
	case o.has("groups"):
		var all []string
		for _, g := range groups {
			all = append(all, named("/etc/group", g))
		}
		say(c, "%s", strings.Join(all, " "))
	default:
		o.given["name"] = []string{""}
		var all []string
		for _, g := range groups {
			all = append(all, fmt.Sprintf("%s(%s)", g, named("/etc/group", g)))
		}
		say(c, "uid=%s(%s) gid=%s(%s) groups=%s", account[2], account[0], account[3], named("/etc/group", account[3]), strings.Join(all, ","))
	}
	return 0, nil
}

// groupsOf returns the numbers of a user's groups, the primary one first.
func (c *Call) groupsOf(user, primary string) []string {
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
func Whoami(_ context.Context, c *Call) (int, error) {
	say(c, "root")
	return 0, nil
}

// Groups is groups(1).
func Groups(ctx context.Context, c *Call) (int, error) {
	c.Args = append([]string{"-Gn"}, c.Args...)
	return ID(ctx, c)
}
