package filetool

import (
	"context"
	"errors"
	"io/fs"

	"kiln"
	"kiln/internal/maint/command"
)

// Touch is touch(1).
func Touch(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("no-create,c a m no-dereference,h reference,r= date,d= t= time= f")
	if err != nil {
		return 0, err
	}
	when := c.Machine.Epoch
	switch {
	case o.Has("reference"):
		info, err := c.FS.Stat(c.Path(o.Value("reference", "")))
		if err != nil {
			return c.Failed(1, o.Value("reference", ""), err)
		}
		when = info.Epoch()
	case o.Has("date"):
		if when, err = parseDate(c, o.Value("date", "")); err != nil {
			return 0, err
		}
	case o.Has("t") || o.Has("time"):
		return 0, c.Unhonoured("the options -t and --time are not known")
	}
	status := 0
	for _, name := range o.Rest {
		if err := touch(c, name, when, o); err != nil {
			status, _ = c.Complain(1, "cannot touch '%s': %s", name, command.ErrorText(err))
		}
	}
	return status, nil
}

func touch(c *command.Call, name string, when kiln.Epoch, o command.Options) error {
	p := c.Path(name)
	stat, set := c.FS.Stat, c.FS.Chtimes
	if o.Has("no-dereference") {
		stat, set = c.FS.Lstat, c.FS.Lchtimes
	}
	_, err := stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		if o.Has("no-create") || o.Has("no-dereference") {
			return nil
		}
		if err := c.FS.WriteFile(p, nil, 0o666&^c.Umask); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if o.Has("a") && !o.Has("m") {
		return nil // a tree keeps no access times
	}
	return set(p, when)
}
