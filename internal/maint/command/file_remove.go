package command

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"kiln/internal/tree"
)

// Rm is rm(1).
func Rm(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "force,f recursive,r,R dir,d verbose,v i I one-file-system preserve-root no-preserve-root")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 0 && !o.has("force") {
		return complain(c, 1, "missing operand")
	}
	status := 0
	for _, name := range o.rest {
		if err := c.remove(name, o); err != nil {
			status, _ = complain(c, 1, "cannot remove '%s': %s", name, errorText(err))
		} else if o.has("verbose") {
			say(c, "removed '%s'", name)
		}
	}
	return status, nil
}

func (c *Call) remove(name string, o options) error {
	p := c.path(name)
	info, err := c.FS.Lstat(p)
	switch {
	case name == "":
		err = fs.ErrNotExist
	case err == nil && info.Entry.Path == ".":
		return errors.New("it is dangerous to operate recursively on '/'")
	case err == nil && (baseName(name) == "." || baseName(name) == ".."):
		return errors.New("refusing to remove '.' or '..' directory")
	}
	if err != nil {
		if o.has("force") && isMissing(err) {
			return nil
		}
		return err
	}
	switch {
	case info.Kind() != tree.Dir, o.has("dir") && !o.has("recursive"):
		return c.FS.Remove(p)
	case !o.has("recursive"):
		return syscall.EISDIR
	}
	return c.FS.RemoveAll(p)
}

// Unlink is unlink(1).
func Unlink(_ context.Context, c *Call) (int, error) {
	if len(c.Args) != 1 {
		return complain(c, 1, "missing operand")
	}
	if err := c.FS.Unlink(c.path(c.Args[0])); err != nil {
		return complain(c, 1, "cannot unlink '%s': %s", c.Args[0], errorText(err))
	}
	return 0, nil
}

// Rmdir is rmdir(1).
func Rmdir(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "parents,p ignore-fail-on-non-empty verbose,v")
	if err != nil {
		return 0, err
	}
	status := 0
	for _, name := range o.rest {
		for p := strings.TrimRight(name, "/"); ; p = dirName(p) {
			err := c.removeDir(p)
			if err == nil && o.has("parents") && dirName(p) != "." && dirName(p) != "/" {
				continue
			}
			if err != nil && !(o.has("ignore-fail-on-non-empty") && errors.Is(err, syscall.ENOTEMPTY)) {
				status, _ = complain(c, 1, "failed to remove '%s': %s", p, errorText(err))
			}
			break
		}
	}
	return status, nil
}

func (c *Call) removeDir(name string) error {
	info, err := c.FS.Lstat(c.path(name))
	if err != nil {
		return err
	}
	if info.Kind() != tree.Dir {
		return syscall.ENOTDIR
	}
	return c.FS.Remove(c.path(name))
}
