package dpkgtool

import (
	"context"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// DpkgRealpath is dpkg-realpath(1).
func DpkgRealpath(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("zero,z instdir= root=")
	if err != nil {
		return 2, err
	}
	if len(o.Rest) != 1 || strings.Trim(o.Value("root", "")+o.Value("instdir", ""), "/") != "" {
		return c.Complain(2, "error: needs one path name")
	}
	p := c.Absolute(o.Rest[0])
	// The last component need not be there.
	if real, err := c.FS.Resolve(p); err == nil {
		p = path.Join("/", real)
	} else {
		p = c.FS.RealFolder(p)
	}
	c.Say("%s", p)
	return 0, nil
}
