package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Chmod is chmod(1).
func Chmod(_ context.Context, c *Call) (int, error) {
	args, minus := chmodMinus(c.Args)
	o, err := parseArguments(c, args, "recursive,R verbose,v changes,c silent,quiet,f reference= preserve-root no-preserve-root", true)
	if err != nil {
		return 0, err
	}
	spec := minus
	switch {
	case o.has("reference"):
		info, err := c.FS.Stat(c.path(o.value("reference", "")))
		if err != nil {
			return c.failed(1, o.value("reference", ""), err)
		}
		spec = fmt.Sprintf("%05o", info.Perm())
	case spec == "" && len(o.rest) > 0:
		spec, o.rest = o.rest[0], o.rest[1:]
	}
	if len(o.rest) == 0 {
		return complain(c, 1, "missing operand")
	}
	if _, err := ChangeMode(0, spec, false, c.Umask); err != nil {
		return complain(c, 1, "%v", err)
	}
	status := 0
	set := func(p string, info vfs.Info) error {
		mode, err := ChangeMode(info.Perm(), spec, info.Kind() == tree.Dir, c.Umask)
		if err != nil || mode == info.Perm() {
			return err
		}
		return c.FS.Chmod(p, mode)
	}
	for _, name := range o.rest {
		if err := c.eachBelow(name, o.has("recursive"), 'H', set); err != nil {
			status = 1
			if !o.has("silent") {
				_, _ = complain(c, 1, "cannot access '%s': %s", name, errorText(err))
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
func (c *Call) eachBelow(name string, recursive bool, follow byte, set func(string, vfs.Info) error) error {
	p := c.path(name)
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
	err = visitTree(c.FS, p, func(p string, info vfs.Info) bool {
		if info.Kind() != tree.Symlink {
			failed = errors.Join(failed, set(p, info))
		}
		return true
	})
	return errors.Join(failed, err)
}
