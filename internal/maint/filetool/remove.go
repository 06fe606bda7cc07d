package filetool

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Rm is rm(1).
func Rm(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f recursive,r,R dir,d verbose,v i I one-file-system preserve-root no-preserve-root")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 && !o.Has("force") {
		return c.Complain(1, "missing operand")
	}
	status := 0
	for _, name := range o.Rest {
		if err := remove(c, name, o); err != nil {
			status, _ = c.Complain(1, "cannot remove '%s': %s", name, command.ErrorText(err))
		} else if o.Has("verbose") {
			c.Say("removed '%s'", name)
		}
	}
	return status, nil
}

func remove(c *command.Call, name string, o command.Options) error {
	p := c.Path(name)
	info, err := c.FS.Lstat(p)
	switch {
	case name == "":
		err = fs.ErrNotExist
	case err == nil && info.Entry.Path == ".":
		return errors.New("it is dangerous to operate recursively on '/'")
	case err == nil && (command.BaseName(name) == "." || command.BaseName(name) == ".."):
		return errors.New("refusing to remove '.' or '..' directory")
	}
	if err != nil {
		if o.Has("force") && command.IsMissing(err) {
			return nil
		}
		return err
	}
	switch {
	case info.Kind() != tree.Dir, o.Has("dir") && !o.Has("recursive"):
		return c.FS.Remove(p)
	case !o.Has("recursive"):
		return syscall.EISDIR
	}
	return c.FS.RemoveAll(p)
}

// Unlink is unlink(1).
func Unlink(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) != 1 {
		return c.Complain(1, "missing operand")
	}
	if err := c.FS.Unlink(c.Path(c.Args[0])); err != nil {
		return c.Complain(1, "cannot unlink '%s': %s", c.Args[0], command.ErrorText(err))
	}
	return 0, nil
}

// Rmdir is rmdir(1).
func Rmdir(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("parents,p ignore-fail-on-non-empty verbose,v")
	if err != nil {
		return 0, err
	}
	status := 0
	for _, name := range o.Rest {
		for p := strings.TrimRight(name, "/"); ; p = command.DirName(p) {
			err := removeDir(c, p)
			if err == nil && o.Has("parents") && command.DirName(p) != "." && command.DirName(p) != "/" {
				continue
			}
			if err != nil && !(o.Has("ignore-fail-on-non-empty") && errors.Is(err, syscall.ENOTEMPTY)) {
				status, _ = c.Complain(1, "failed to remove '%s': %s", p, command.ErrorText(err))
			}
			break
		}
	}
	return status, nil
}

func removeDir(c *command.Call, name string) error {
	info, err := c.FS.Lstat(c.Path(name))
	if err != nil {
		return err
	}
	if info.Kind() != tree.Dir {
		return syscall.ENOTDIR
	}
	return c.FS.Remove(c.Path(name))
}
