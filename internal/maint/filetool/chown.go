package filetool

import (
	"context"
	"errors"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Chown is chown(1) and chgrp(1).
func Chown(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("recursive,R no-dereference,h dereference verbose,v changes,c silent,quiet,f reference= from= H L P preserve-root no-preserve-root")
	if err != nil {
		return 0, err
	}
	if o.Has("L") {
		return 0, c.Unhonoured("the option -L is not known")
	}
	uid, gid, err := ownership(c, &o)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing operand")
	}
	fromUID, fromGID := -1, -1
	if o.Has("from") {
		if fromUID, fromGID, err = c.Owner(o.Value("from", ""), false); err != nil {
			return c.Complain(1, "%v", err)
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
	for _, name := range o.Rest {
		if err := chownOne(c, name, o, chown); err != nil {
			status = 1
			if !o.Has("silent") {
				_, _ = c.Complain(1, "cannot access '%s': %s", name, command.ErrorText(err))
			}
		}
	}
	return status, nil
}

// ownership reads the owner argument, or that of --reference.
func ownership(c *command.Call, o *command.Options) (uid, gid int, err error) {
	if o.Has("reference") {
		info, err := c.FS.Stat(c.Path(o.Value("reference", "")))
		if c.Name == "chgrp" {
			return -1, info.GID, err
		}
		return info.UID, info.GID, err
	}
	if len(o.Rest) == 0 {
		return 0, 0, errors.New("missing operand")
	}
	spec := o.Rest[0]
	o.Rest = o.Rest[1:]
	return c.Owner(spec, c.Name == "chgrp")
}

func chownOne(c *command.Call, name string, o command.Options, chown func(string, vfs.Info) error) error {
	p := c.Path(name)
	if !o.Has("recursive") {
		stat := c.FS.Stat
		if o.Has("no-dereference") {
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
	} else if info.Kind() == tree.Symlink && o.Has("H") {
		if p, err = c.FS.Resolve(p); err != nil {
			return err
		}
	}
	// GNU: with -R and without -H, a link is changed itself, as if -h stood there.
	through := o.Has("H") && !o.Has("no-dereference")
	var failed error
	err := c.FS.Visit(p, func(p string, info vfs.Info) bool {
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
