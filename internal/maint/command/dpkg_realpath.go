package command

import (
	"context"
	"path"
	"strings"
)

// DpkgRealpath is dpkg-realpath(1).
func DpkgRealpath(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "zero,z instdir= root=")
	if err != nil {
		return 2, err
	}
	if len(o.rest) != 1 || strings.Trim(o.value("root", "")+o.value("instdir", ""), "/") != "" {
		return complain(c, 2, "error: needs one path name")
	}
	p := absolute(c, o.rest[0])
	// The last component need not be there.
	if real, err := c.FS.Resolve(p); err == nil {
		p = path.Join("/", real)
	} else {
		p = realFolder(c.FS, p)
	}
	say(c, "%s", p)
	return 0, nil
}
