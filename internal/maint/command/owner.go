package command

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Owner reads "user", "user:group", "user:" or ":group", or with group set a
// group, by the tree's own accounts. -1 stands for what is not named.
func (c *Call) Owner(spec string, group bool) (uid, gid int, err error) {
	uid, gid = -1, -1
	if group {
		gid, err = c.GroupID(spec)
		return uid, gid, err
	}
	user, name, both := strings.Cut(spec, ":")
	if !both && strings.Contains(spec, ".") {
		if _, err := c.UserID(spec); err != nil {
			user, name, both = strings.Cut(spec, ".")
		}
	}
	if user != "" {
		if uid, err = c.UserID(user); err != nil {
			return uid, gid, err
		}
	}
	switch {
	case both && name != "":
		gid, err = c.GroupID(name)
	case both && user != "":
		account, ok := c.AccountLine("/etc/passwd", user, 0, 2)
		if !ok {
			return uid, gid, fmt.Errorf("invalid spec: '%s'", spec)
		}
		gid, err = strconv.Atoi(account[3])
	}
	return uid, gid, err
}

// UserID returns the id of a user of the tree, or the number that name is.
func (c *Call) UserID(name string) (int, error) {
	if account, ok := c.AccountLine("/etc/passwd", name, 0, -1); ok && len(account) > 2 {
		return strconv.Atoi(account[2])
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(name, "+"), 10, 32); err == nil {
		return int(n), nil
	}
	return -1, fmt.Errorf("invalid user: '%s'", name)
}

// GroupID is UserID for groups.
func (c *Call) GroupID(name string) (int, error) {
	if account, ok := c.AccountLine("/etc/group", name, 0, -1); ok && len(account) > 2 {
		return strconv.Atoi(account[2])
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(name, "+"), 10, 32); err == nil {
		return int(n), nil
	}
	return -1, fmt.Errorf("invalid group: '%s'", name)
}

// AccountLine returns the fields of the line of a database whose field number field,
// or other if that is not negative, is key.
func (c *Call) AccountLine(file, key string, field, other int) ([]string, bool) {
	data, err := c.FS.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) > field && fields[field] == key || other >= 0 && len(fields) > other && fields[other] == key {
			return fields, true
		}
	}
	return nil, false
}

// NameOf returns the name of a user or group number, or UNKNOWN as stat(1) does.
func (c *Call) NameOf(file string, id int) string {
	if fields, ok := c.AccountLine(file, strconv.Itoa(id), 2, -1); ok {
		return fields[0]
	}
	return "UNKNOWN"
}

// GroupsOf returns the numbers of a user's groups, the primary one first.
func (c *Call) GroupsOf(user, primary string) []string {
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
