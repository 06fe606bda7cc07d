package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// transfer calls move for each source of a command line such as that of cp and mv,
// with the path that it goes to.
func (c *Call) transfer(o options, move func(from, to string) error) (int, error) {
	sources, target, into, err := c.targets(o)
	if err != nil {
		return complain(c, 1, "%v", err)
	}
	status := 0
	for _, from := range sources {
		to := target
		if into {
			to = joined(target, baseName(from))
		}
		if err := move(from, to); err != nil {
			status, _ = complain(c, 1, "%s: %s", from, errorText(err))
		} else if o.has("verbose") {
			say(c, "'%s' -> '%s'", from, to)
		}
	}
	return status, nil
}

// targets splits the arguments of cp, mv, ln and install into sources and target,
// and says whether that is a directory to put them into.
func (c *Call) targets(o options) (sources []string, target string, into bool, err error) {
	rest := o.rest
	if o.has("target-directory") {
		target = o.value("target-directory", "")
		if !c.isDirectory(target) {
			return nil, "", false, fmt.Errorf("target directory '%s': No such file or directory", target)
		}
		return rest, target, true, nil
	}
	if len(rest) == 0 {
		return nil, "", false, errors.New("missing file operand")
	}
	if len(rest) == 1 {
		return nil, "", false, fmt.Errorf("missing destination file operand after '%s'", rest[0])
	}
	target = rest[len(rest)-1]
	sources = rest[:len(rest)-1]
	if o.has("no-target-directory") {
		if len(sources) > 1 {
			return nil, "", false, fmt.Errorf("extra operand '%s'", sources[1])
		}
		return sources, target, false, nil
	}
	into = c.isDirectory(target)
	if !into && (len(sources) > 1 || strings.HasSuffix(target, "/")) {
		return nil, "", false, fmt.Errorf("target '%s': No such file or directory", target)
	}
	return sources, target, into, nil
}

// Mv is mv(1).
func Mv(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "force,f no-clobber,n interactive,i no-target-directory,T target-directory,t= update,u verbose,v Z")
	if err != nil {
		return 0, err
	}
	return c.transfer(o, func(from, to string) error {
		src, err := c.FS.Lstat(c.path(from))
		if err != nil {
			return err
		}
		dst, err := c.FS.Lstat(c.path(to))
		if err == nil {
			if o.has("no-clobber") || o.has("update") && dst.Epoch() >= src.Epoch() {
				return nil
			}
			if src.Ino == dst.Ino {
				return fmt.Errorf("'%s' and '%s' are the same file", from, to)
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return c.FS.Rename(c.path(strings.TrimRight(from, "/")), c.path(to))
	})
}
