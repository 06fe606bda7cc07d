package filetool

import (
	"context"
	"strconv"
	"syscall"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Mkdir is mkdir(1).
func Mkdir(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("parents,p mode,m= verbose,v Z")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing operand")
	}
	status := 0
	for _, name := range o.Rest {
		if err := makeDir(c, name, o.Has("parents"), o.Value("mode", "")); err != nil {
			status, _ = c.Complain(1, "cannot create directory '%s': %s", name, command.ErrorText(err))
		} else if o.Has("verbose") {
			c.Say("mkdir: created directory '%s'", name)
		}
	}
	return status, nil
}

// makeDir makes a directory with the given mode, and its parents with the
// default one.
func makeDir(c *command.Call, name string, parents bool, mode string) error {
	p := c.Path(name)
	if parents {
		if c.IsDirectory(name) {
			return nil
		}
		if up := command.DirName(p); up != p {
			if err := c.FS.MkdirAll(up, 0o777&^c.Umask); err != nil {
				return err
			}
		}
	}
	if err := c.FS.Mkdir(p, 0o777&^c.Umask); err != nil || mode == "" {
		return err
	}
	perm, err := command.ChangeMode(0o777, mode, true, c.Umask)
	if err != nil {
		return err
	}
	return c.FS.Chmod(p, perm)
}

// Mkfifo is mkfifo(1).
func Mkfifo(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("mode,m= Z")
	if err != nil {
		return 0, err
	}
	mode, err := command.ChangeMode(0o666, o.Value("mode", "+"), false, 0)
	if !o.Has("mode") {
		mode, err = 0o666&^c.Umask, nil
	}
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	status := 0
	for _, name := range o.Rest {
		if err := c.FS.Mkfifo(c.Path(name), mode); err != nil {
			status, _ = c.Failed(1, name, err)
		}
	}
	return status, nil
}

// Mknod is mknod(1).
func Mknod(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("mode,m= Z")
	if err != nil {
		return 0, err
	}
	mode := 0o666 &^ c.Umask
	if o.Has("mode") {
		if mode, err = command.ChangeMode(0o666, o.Value("mode", ""), false, 0); err != nil {
			return c.Complain(1, "%v", err)
		}
	}
	if len(o.Rest) == 2 && o.Rest[1] == "p" {
		err = c.FS.Mkfifo(c.Path(o.Rest[0]), mode)
	} else if len(o.Rest) == 4 {
		err = device(c, o.Rest, mode)
	} else {
		return c.Complain(1, "missing operand")
	}
	if err != nil {
		return c.Failed(1, o.Rest[0], err)
	}
	return 0, nil
}

func device(c *command.Call, args []string, mode uint32) error {
	kind, ok := map[string]tree.Type{"b": tree.BlockDev, "c": tree.CharDev, "u": tree.CharDev}[args[1]]
	major, err1 := strconv.ParseUint(args[2], 0, 32)
	minor, err2 := strconv.ParseUint(args[3], 0, 32)
	if !ok || err1 != nil || err2 != nil {
		return syscall.EINVAL
	}
	return c.FS.Mknod(c.Path(args[0]), kind, mode, uint32(major), uint32(minor))
}
