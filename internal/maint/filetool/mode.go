package filetool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Chmod is chmod(1).
func Chmod(_ context.Context, c *command.Call) (int, error) {
	args, minus := chmodMinus(c.Args)
	o, err := c.ParseArguments(args, "recursive,R verbose,v changes,c silent,quiet,f reference= preserve-root no-preserve-root", true)
	if err != nil {
		return 0, err
	}
	spec := minus
	switch {
	case o.Has("reference"):
		info, err := c.FS.Stat(c.Path(o.Value("reference", "")))
		if err != nil {
			return c.Failed(1, o.Value("reference", ""), err)
		}
		spec = fmt.Sprintf("%05o", info.Perm())
	case spec == "" && len(o.Rest) > 0:
		spec, o.Rest = o.Rest[0], o.Rest[1:]
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing operand")
	}
	if _, err := command.ChangeMode(0, spec, false, c.Umask); err != nil {
		return c.Complain(1, "%v", err)
	}
	status := 0
	set := func(p string, info vfs.Info) error {
		mode, err := command.ChangeMode(info.Perm(), spec, info.Kind() == tree.Dir, c.Umask)
		if err != nil || mode == info.Perm() {
			return err
		}
		return c.FS.Chmod(p, mode)
	}
	for _, name := range o.Rest {
		if err := eachBelow(c, name, o.Has("recursive"), 'H', set); err != nil {
			status = 1
			if !o.Has("silent") {
				_, _ = c.Complain(1, "cannot access '%s': %s", name, command.ErrorText(err))
			}
		}
	}
	return status, nil
}

// chmodMinus takes a mode such as "-x" or "-rwx,g+s" from among the options.
func chmodMinus(args []string) (rest []string, mode string) {
	for i, a := range args {
		if a == "--" {
			return append(rest, args[i:]...), mode
		}
		if mode == "" && len(a) > 1 && a[0] == '-' && strings.IndexByte("rwxXstugo", a[1]) >= 0 {
			mode = a
			continue
		}
		rest = append(rest, a)
	}
	return rest, mode
}

// eachBelow calls set for what name leads to and, recursively, for all below it.
// Links below are passed over; follow says what becomes of name itself if it is a
// link: 'H' its target is entered, 'P' not.
func eachBelow(c *command.Call, name string, recursive bool, follow byte, set func(string, vfs.Info) error) error {
	p := c.Path(name)
	info, err := c.FS.Stat(p)
	if err != nil {
		return err
	}
	if !recursive {
		return set(p, info)
	}
	if link, err := c.FS.Lstat(p); err == nil && link.Kind() == tree.Symlink && follow == 'H' {
		if p, err = c.FS.Resolve(p); err != nil {
			return err
		}
	}
	var failed error
	err = c.FS.Visit(p, func(p string, info vfs.Info) bool {
		if info.Kind() != tree.Symlink {
			failed = errors.Join(failed, set(p, info))
		}
		return true
	})
	return errors.Join(failed, err)
}
