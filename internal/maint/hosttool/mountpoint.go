package hosttool

import (
	"context"
	"path"
	"slices"

	"kiln/internal/maint/command"
)

// Mountpoint is mountpoint(1). dpkg configures packages where /proc and /sys are
// mounted, and scripts that ask for them do so to fail early without; so they are
// here, and nothing else is but the root. The status is 32 for what is none, and 1
// where there is nothing.
func Mountpoint(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("quiet,q nofollow")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(1, "bad usage")
	}
	name := o.Rest[0]
	if _, err := c.FS.Stat(c.Path(name)); err != nil {
		if o.Has("quiet") {
			return 1, nil
		}
		return c.Failed(1, name, err)
	}
	answer, status := "is not a mountpoint", 32
	if slices.Contains([]string{"/", "/proc", "/sys"}, path.Clean(c.Path(name))) {
		answer, status = "is a mountpoint", 0
	}
	if !o.Has("quiet") {
		c.Say("%s %s", name, answer)
	}
	return status, nil
}
