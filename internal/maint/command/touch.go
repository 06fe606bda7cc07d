package command

import (
	"context"
	"errors"
	"io/fs"

	"kiln"
)

// Touch is touch(1).
func Touch(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "no-create,c a m no-dereference,h reference,r= date,d= t= time= f")
	if err != nil {
		return 0, err
	}
	when := c.Machine.Epoch
	switch {
	case o.has("reference"):
		info, err := c.FS.Stat(c.path(o.value("reference", "")))
		if err != nil {
			return c.failed(1, o.value("reference", ""), err)
		}
		when = info.Epoch()
	case o.has("date"):
		if when, err = parseDate(c, o.value("date", "")); err != nil {
			return 0, err
		}
	case o.has("t") || o.has("time"):
		return 0, unhonoured(c, "the options -t and --time are not known")
	}
	status := 0
	for _, name := range o.rest {
		if err := c.touch(name, when, o); err != nil {
			status, _ = complain(c, 1, "cannot touch '%s': %s", name, errorText(err))
		}
	}
	return status, nil
}

func (c *Call) touch(name string, when kiln.Epoch, o options) error {
	p := c.path(name)
	stat, set := c.FS.Stat, c.FS.Chtimes
	if o.has("no-dereference") {
		stat, set = c.FS.Lstat, c.FS.Lchtimes
	}
	_, err := stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		if o.has("no-create") || o.has("no-dereference") {
			return nil
		}
		if err := c.FS.WriteFile(p, nil, 0o666&^c.Umask); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if o.has("a") && !o.has("m") {
		return nil // a tree keeps no access times
	}
	return set(p, when)
}
