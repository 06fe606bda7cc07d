package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Chown is chown(1) and chgrp(1).
func Chown(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "recursive,R no-dereference,h dereference verbose,v changes,c silent,quiet,f reference= from= H L P preserve-root no-preserve-root")
	if err != nil {
		return 0, err
	}
	if o.has("L") {
		return 0, unhonoured(c, "the option -L is not known")
	}
	uid, gid, err := c.ownership(&o)
	if err != nil {
		return complain(c, 1, "%v", err)
	}
	if len(o.rest) == 0 {
		return complain(c, 1, "missing operand")
	}
	fromUID, fromGID := -1, -1
	if o.has("from") {
		if fromUID, fromGID, err = c.owner(o.value("from", ""), false); err != nil {
			return complain(c, 1, "%v", err)
		}
	}
	chown := func(p string, info vfs.Info) error {
		if fromUID >= 0 && info.UID != fromUID || fromGID >= 0 && info.GID != fromGID {
			return nil
		}
		if (uid < 0 || uid == info.UID) && (gid < 0 || gid == info.GID) && info.Perm()&0o6000 == 0 {
			return nil
		}
		return c.FS.Lchown(p, uid, gid)
	}
	status := 0
	for _, name := range o.rest {
		if err := c.chownOne(name, o, chown); err != nil {
			status = 1
			if !o.has("silent") {
				_, _ = complain(c, 1, "cannot access '%s': %s", name, errorText(err))
			}
		}
	}
	return status, nil
}

// ownership reads the owner argument, or that of --reference.
func (c *Call) ownership(o *options) (uid, gid int, err error) {
	if o.has("reference") {
		info, err := c.FS.Stat(c.path(o.value("reference", "")))
		if c.Name == "chgrp" {
			return -1, info.GID, err
		}
		return info.UID, info.GID, err
	}
	if len(o.rest) == 0 {
		return 0, 0, errors.New("missing operand")
	}
	spec := o.rest[0]
	o.rest = o.rest[1:]
	return c.owner(spec, c.Name == "chgrp")
}

func (c *Call) chownOne(name string, o options, chown func(string, vfs.Info) error) error {
	p := c.path(name)
	if !o.has("recursive") {
		stat := c.FS.Stat
		if o.has("no-dereference") {
			stat = c.FS.Lstat
		}
		info, err := stat(p)
		if err != nil {
			return err
		}
		return chown(tree.Absolute(info.Entry.Path), info)
	}
	if info, err := c.FS.Lstat(p); err != nil {
		return err
	} else if info.Kind() == tree.Symlink && o.has("H") {
		if p, err = c.FS.Resolve(p); err != nil {
			return err
		}
	}
	// GNU: with -R and without -H, a link is changed itself, as if -h stood there.
	through := o.has("H") && !o.has("no-dereference")
	var failed error
	err := visitTree(c.FS, p, func(p string, info vfs.Info) bool {
		if info.Kind() == tree.Symlink && through {
			target, err := c.FS.Stat(p)
			if err != nil {
				return true
			}
			p, info = tree.Absolute(target.Entry.Path), target
		}
		failed = errors.Join(failed, chown(p, info))
		return true
	})
	return errors.Join(failed, err)
}

// owner reads "user", "user:group", "user:" or ":group", or with group set a
// group, by the tree's own accounts. -1 stands for what is not named.
func (c *Call) owner(spec string, group bool) (uid, gid int, err error) {
	uid, gid = -1, -1
	if group {
		gid, err = c.groupID(spec)
		return uid, gid, err
	}
	user, name, both := strings.Cut(spec, ":")
	if !both && strings.Contains(spec, ".") {
		if _, err := c.userID(spec); err != nil {
			user, name, both = strings.Cut(spec, ".")
		}
	}
	if user != "" {
		if uid, err = c.userID(user); err != nil {
			return uid, gid, err
		}
	}
	switch {
	case both && name != "":
		gid, err = c.groupID(name)
	case both && user != "":
		account, ok := c.account("/etc/passwd", user, 0, 2)
		if !ok {
			return uid, gid, fmt.Errorf("invalid spec: '%s'", spec)
		}
		gid, err = strconv.Atoi(account[3])
	}
	return uid, gid, err
}

func (c *Call) userID(name string) (int, error) {
	if account, ok := c.account("/etc/passwd", name, 0, -1); ok && len(account) > 2 {
		return strconv.Atoi(account[2])
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(name, "+"), 10, 32); err == nil {
		return int(n), nil
	}
	return -1, fmt.Errorf("invalid user: '%s'", name)
}

func (c *Call) groupID(name string) (int, error) {
	if account, ok := c.account("/etc/group", name, 0, -1); ok && len(account) > 2 {
		return strconv.Atoi(account[2])
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(name, "+"), 10, 32); err == nil {
		return int(n), nil
	}
	return -1, fmt.Errorf("invalid group: '%s'", name)
}

// account returns the fields of the line of a database whose field number field,
// or other if that is not negative, is key.
func (c *Call) account(file, key string, field, other int) ([]string, bool) {
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
