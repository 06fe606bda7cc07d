package command

import (
	"context"
	"errors"

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
