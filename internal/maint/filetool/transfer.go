package filetool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"kiln/internal/maint/command"
)

// transfer calls move for each source of a command line such as that of cp and mv,
// with the path that it goes to.
func transfer(c *command.Call, o command.Options, move func(from, to string) error) (int, error) {
	sources, target, into, err := targets(c, o)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	status := 0
	for _, from := range sources {
		to := target
		if into {
			to = command.Joined(target, command.BaseName(from))
		}
		if err := move(from, to); err != nil {
			status, _ = c.Complain(1, "%s: %s", from, command.ErrorText(err))
		} else if o.Has("verbose") {
			c.Say("'%s' -> '%s'", from, to)
		}
	}
	return status, nil
}

// targets splits the arguments of cp, mv, ln and install into sources and target,
// and says whether that is a directory to put them into.
func targets(c *command.Call, o command.Options) (sources []string, target string, into bool, err error) {
	rest := o.Rest
	if o.Has("target-directory") {
		target = o.Value("target-directory", "")
		if !c.IsDirectory(target) {
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
	if o.Has("no-target-directory") {
		if len(sources) > 1 {
			return nil, "", false, fmt.Errorf("extra operand '%s'", sources[1])
		}
		return sources, target, false, nil
	}
	into = c.IsDirectory(target)
	if !into && (len(sources) > 1 || strings.HasSuffix(target, "/")) {
		return nil, "", false, fmt.Errorf("target '%s': No such file or directory", target)
	}
	return sources, target, into, nil
}

// Mv is mv(1).
func Mv(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f no-clobber,n interactive,i no-target-directory,T target-directory,t= update,u verbose,v Z")
	if err != nil {
		return 0, err
	}
	return transfer(c, o, func(from, to string) error {
		src, err := c.FS.Lstat(c.Path(from))
		if err != nil {
			return err
		}
		dst, err := c.FS.Lstat(c.Path(to))
		if err == nil {
			if o.Has("no-clobber") || o.Has("update") && dst.Epoch() >= src.Epoch() {
				return nil
			}
			if src.Ino == dst.Ino {
				return fmt.Errorf("'%s' and '%s' are the same file", from, to)
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return c.FS.Rename(c.Path(strings.TrimRight(from, "/")), c.Path(to))
	})
}
