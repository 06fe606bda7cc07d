package command

import (
	"context"
	"strconv"
	"syscall"

	"kiln/internal/tree"
)

// Mkdir is mkdir(1).
func Mkdir(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "parents,p mode,m= verbose,v Z")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 0 {
		return complain(c, 1, "missing operand")
	}
	status := 0
	for _, name := range o.rest {
		if err := c.makeDir(name, o.has("parents"), o.value("mode", "")); err != nil {
			status, _ = complain(c, 1, "cannot create directory '%s': %s", name, errorText(err))
		} else if o.has("verbose") {
			say(c, "mkdir: created directory '%s'", name)
		}
	}
	return status, nil
}

// makeDir makes a directory with the given mode, and its parents with the
// default one.
func (c *Call) makeDir(name string, parents bool, mode string) error {
	p := c.path(name)
	if parents {
		if c.isDirectory(name) {
			return nil
		}
		if up := dirName(p); up != p {
			if err := c.FS.MkdirAll(up, 0o777&^c.Umask); err != nil {
				return err
			}
		}
	}
	if err := c.FS.Mkdir(p, 0o777&^c.Umask); err != nil || mode == "" {
		return err
	}
	perm, err := ChangeMode(0o777, mode, true, c.Umask)
	if err != nil {
		return err
	}
	return c.FS.Chmod(p, perm)
}

// Mkfifo is mkfifo(1).
func Mkfifo(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "mode,m= Z")
	if err != nil {
		return 0, err
	}
	mode, err := ChangeMode(0o666, o.value("mode", "+"), false, 0)
	if !o.has("mode") {
		mode, err = 0o666&^c.Umask, nil
	}
	if err != nil {
		return complain(c, 1, "%v", err)
	}
	status := 0
	for _, name := range o.rest {
		if err := c.FS.Mkfifo(c.path(name), mode); err != nil {
			status, _ = c.failed(1, name, err)
		}
	}
	return status, nil
}

// Mknod is mknod(1).
func Mknod(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "mode,m= Z")
	if err != nil {
		return 0, err
	}
	mode := 0o666 &^ c.Umask
	if o.has("mode") {
		if mode, err = ChangeMode(0o666, o.value("mode", ""), false, 0); err != nil {
			return complain(c, 1, "%v", err)
		}
	}
	if len(o.rest) == 2 && o.rest[1] == "p" {
		err = c.FS.Mkfifo(c.path(o.rest[0]), mode)
	} else if len(o.rest) == 4 {
		err = c.device(o.rest, mode)
	} else {
		return complain(c, 1, "missing operand")
	}
	if err != nil {
		return c.failed(1, o.rest[0], err)
	}
	return 0, nil
}

func (c *Call) device(args []string, mode uint32) error {
	kind, ok := map[string]tree.Type{"b": tree.BlockDev, "c": tree.CharDev, "u": tree.CharDev}[args[1]]
	major, err1 := strconv.ParseUint(args[2], 0, 32)
	minor, err2 := strconv.ParseUint(args[3], 0, 32)
	if !ok || err1 != nil || err2 != nil {
		return syscall.EINVAL
	}
	return c.FS.Mknod(c.path(args[0]), kind, mode, uint32(major), uint32(minor))
}
