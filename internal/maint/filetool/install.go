package filetool

import (
	"context"
	"errors"
	"io/fs"

	"kiln/internal/maint/command"
)

// Install is install(1).
func Install(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("directory,d D mode,m= owner,o= group,g= preserve-timestamps,p verbose,v c target-directory,t= no-target-directory,T compare,C Z")
	if err != nil {
		return 0, err
	}
	i := installer{c: c, o: o, uid: -1, gid: -1}
	if i.mode, err = command.ChangeMode(0, o.Value("mode", "0755"), o.Has("directory"), 0); err != nil {
		return c.Complain(1, "%v", err)
	}
	if o.Has("owner") {
		if i.uid, err = c.UserID(o.Value("owner", "")); err != nil {
			return c.Complain(1, "%v", err)
		}
	}
	if o.Has("group") {
		if i.gid, err = c.GroupID(o.Value("group", "")); err != nil {
			return c.Complain(1, "%v", err)
		}
	}
	if o.Has("directory") {
		return i.directories()
	}
	if o.Has("D") && len(o.Rest) == 2 {
		if err := c.FS.MkdirAll(command.DirName(c.Path(o.Rest[1])), 0o755); err != nil {
			return c.Failed(1, o.Rest[1], err)
		}
	}
	return transfer(c, o, i.file)
}

type installer struct {
	c        *command.Call
	o        command.Options
	mode     uint32
	uid, gid int
}

func (i installer) directories() (int, error) {
	status := 0
	for _, name := range i.o.Rest {
		p := i.c.Path(name)
		err := i.c.FS.MkdirAll(p, 0o755)
		if err == nil {
			err = i.finish(p)
		}
		if err != nil {
			status, _ = i.c.Complain(1, "cannot create directory '%s': %s", name, command.ErrorText(err))
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
	data, err := i.c.ReadAll(from)
	if err != nil {
		return err
	}
	p := i.c.Path(to)
	if err := i.c.FS.Unlink(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := i.c.FS.WriteFile(p, data, 0o600); err != nil {
		return err
	}
	if err := i.finish(p); err != nil {
		return err
	}
	if i.o.Has("preserve-timestamps") {
		if info, err := i.c.FS.Stat(i.c.Path(from)); err == nil {
			return i.c.FS.Chtimes(p, info.Epoch())
		}
	}
	return nil
}
