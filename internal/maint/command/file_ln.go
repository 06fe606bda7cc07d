package command

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// Ln is ln(1).
func Ln(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "symbolic,s force,f no-dereference,n no-target-directory,T target-directory,t= relative,r verbose,v logical,L physical,P interactive,i")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 1 && !o.has("target-directory") {
		o.rest = append(o.rest, ".")
	}
	if n := len(o.rest); n > 1 && o.has("no-dereference") {
		if info, err := c.FS.Lstat(c.path(o.rest[n-1])); err == nil && info.Kind() == tree.Symlink {
			o.given["no-target-directory"] = []string{""}
		}
	}
	return c.transfer(o, func(from, to string) error { return c.link(o, from, to) })
}

func (c *Call) link(o options, from, to string) error {
	target := c.path(strings.TrimRight(to, "/"))
	old, err := c.FS.Lstat(target)
	if err == nil {
		if old.Kind() == tree.Dir {
			return fmt.Errorf("'%s': cannot overwrite directory", to)
		}
		if !o.has("force") {
			return fs.ErrExist
		}
	}
	if !o.has("symbolic") {
		src, err := c.FS.Stat(c.path(from))
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
	if !o.has("symbolic") {
		return c.FS.Link(c.path(from), target)
	}
	if o.has("relative") {
		from = c.relative(from, target)
	}
	return c.FS.Symlink(from, target)
}

// relative returns where from is as seen from the directory of the link at target.
func (c *Call) relative(from, target string) string {
	dir, err := c.FS.Resolve(dirName(target))
	if err != nil {
		dir = dirName(target)
	}
	full, err := c.FS.Resolve(c.path(from))
	if err != nil {
		full = absolute(c, from)
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
