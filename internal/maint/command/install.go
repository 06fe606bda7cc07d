package command

import (
	"context"
	"errors"
	"io/fs"
)

// Install is install(1).
func Install(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "directory,d D mode,m= owner,o= group,g= preserve-timestamps,p verbose,v c target-directory,t= no-target-directory,T compare,C Z")
	if err != nil {
		return 0, err
	}
	i := installer{c: c, o: o, uid: -1, gid: -1}
	if i.mode, err = ChangeMode(0, o.value("mode", "0755"), o.has("directory"), 0); err != nil {
		return complain(c, 1, "%v", err)
	}
	if o.has("owner") {
		if i.uid, err = c.userID(o.value("owner", "")); err != nil {
			return complain(c, 1, "%v", err)
		}
	}
	if o.has("group") {
		if i.gid, err = c.groupID(o.value("group", "")); err != nil {
			return complain(c, 1, "%v", err)
		}
	}
	if o.has("directory") {
		return i.directories()
	}
	if o.has("D") && len(o.rest) == 2 {
		if err := c.FS.MkdirAll(dirName(c.path(o.rest[1])), 0o755); err != nil {
			return c.failed(1, o.rest[1], err)
		}
	}
	return c.transfer(o, i.file)
}

type installer struct {
	c        *Call
	o        options
	mode     uint32
	uid, gid int
}

func (i installer) directories() (int, error) {
	status := 0
	for _, name := range i.o.rest {
		p := i.c.path(name)
		err := i.c.FS.MkdirAll(p, 0o755)
		if err == nil {
			err = i.finish(p)
		}
		if err != nil {
			status, _ = complain(i.c, 1, "cannot create directory '%s': %s", name, errorText(err))
		}
	}
	return status, nil
}

// finish gives a new file or directory its owner and mode.
func (i installer) finish(p string) error {
	if i.uid >= 0 || i.gid >= 0 {
		if err := i.c.FS.Chown(p, i.uid, i.gid); err != nil {
			return err
		}
	}
	return i.c.FS.Chmod(p, i.mode)
}

func (i installer) file(from, to string) error {
	data, err := i.c.readAll(from)
	if err != nil {
		return err
	}
	p := i.c.path(to)
	if err := i.c.FS.Unlink(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := i.c.FS.WriteFile(p, data, 0o600); err != nil {
		return err
	}
	if err := i.finish(p); err != nil {
		return err
	}
	if i.o.has("preserve-timestamps") {
		if info, err := i.c.FS.Stat(i.c.path(from)); err == nil {
			return i.c.FS.Chtimes(p, info.Epoch())
		}
	}
	return nil
}
