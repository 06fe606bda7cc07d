package filetool

import (
	"context"

	"kiln/internal/filecap"
	"kiln/internal/maint/command"
)

// Setcap is setcap(8): capabilities go into the extended attribute as revision 2,
// which is what the kernel writes outside of user namespaces.
func Setcap(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("q v n= r")
	if err != nil {
		return 0, err
	}
	if o.Has("v") || o.Has("n") {
		return 0, c.Unhonoured("the options -v and -n are not known")
	}
	args := o.Rest
	if o.Has("r") {
		if len(args) != 1 {
			return 0, c.Unhonoured("-r takes one file")
		}
		if err := c.FS.Removexattr(c.Path(args[0]), filecap.Attribute); err != nil {
			return c.Failed(1, args[0], err)
		}
		return 0, nil
	}
	if len(args) == 0 || len(args)%2 != 0 {
		return c.Complain(1, "usage: setcap <capabilities> <file>")
	}
	for ; len(args) > 0; args = args[2:] {
		set, err := filecap.Parse(args[0])
		if err != nil {
			return c.Complain(1, "fatal error: Invalid argument: %v", err)
		}
		info, err := c.FS.Lstat(c.Path(args[1]))
		if err != nil || !info.Mode().IsRegular() {
			return c.Complain(1, "Failed to set capabilities on file '%s'", args[1])
		}
		if err := c.FS.Setxattr(c.Path(args[1]), filecap.Attribute, set.Encode()); err != nil {
			return c.Failed(1, args[1], err)
		}
	}
	return 0, nil
}

// Getcap is getcap(8) for files named.
func Getcap(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("v n")
	if err != nil {
		return 0, err
	}
	var out command.Output
	for _, name := range o.Rest {
		attributes, err := c.FS.Xattrs(c.Path(name))
		if err != nil {
			return c.Failed(1, name, err)
		}
		if set, ok := filecap.Decode(attributes[filecap.Attribute]); ok {
			out.Line(name + " " + set.String())
		} else if o.Has("v") {
			out.Line(name)
		}
	}
	return out.Flush(c, 0)
}
