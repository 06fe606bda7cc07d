package filetool

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Ln is ln(1).
func Ln(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("symbolic,s force,f no-dereference,n no-target-directory,T target-directory,t= relative,r verbose,v logical,L physical,P interactive,i")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 1 && !o.Has("target-directory") {
		o.Rest = append(o.Rest, ".")
	}
	if n := len(o.Rest); n > 1 && o.Has("no-dereference") {
		if info, err := c.FS.Lstat(c.Path(o.Rest[n-1])); err == nil && info.Kind() == tree.Symlink {
			o.Given["no-target-directory"] = []string{""}
		}
	}
	return transfer(c, o, func(from, to string) error { return link(c, o, from, to) })
}

func link(c *command.Call, o command.Options, from, to string) error {
	target := c.Path(strings.TrimRight(to, "/"))
	old, err := c.FS.Lstat(target)
	if err == nil {
		if old.Kind() == tree.Dir {
			return fmt.Errorf("'%s': cannot overwrite directory", to)
		}
		if !o.Has("force") {
			return fs.ErrExist
		}
	}
	if !o.Has("symbolic") {
		src, err := c.FS.Stat(c.Path(from))
		if err == nil && old.Ino != 0 && src.Ino == old.Ino {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if old.Names > 0 {
		if err := c.FS.Remove(target); err != nil {
			return err
		}
	}
	if !o.Has("symbolic") {
		return c.FS.Link(c.Path(from), target)
	}
	if o.Has("relative") {
		from = relative(c, from, target)
	}
	return c.FS.Symlink(from, target)
}

// relative returns where from is as seen from the directory of the link at target.
func relative(c *command.Call, from, target string) string {
	dir, err := c.FS.Resolve(command.DirName(target))
	if err != nil {
		dir = command.DirName(target)
	}
	full, err := c.FS.Resolve(c.Path(from))
	if err != nil {
		full = c.Absolute(from)
	}
	return relativePath(dir, full)
}

// relativePath returns the way from dir to target, both clean and absolute.
func relativePath(dir, target string) string {
	a, b := strings.Split(strings.Trim(dir, "/"), "/"), strings.Split(strings.Trim(target, "/"), "/")
	if dir == "/" {
		a = nil
	}
	if target == "/" {
		b = nil
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	way := append(slices.Repeat([]string{".."}, len(a)), b...)
	if len(way) == 0 {
		return "."
	}
	return strings.Join(way, "/")
}
