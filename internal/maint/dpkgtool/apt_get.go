package dpkgtool

import (
	"context"

	"kiln/internal/maint/command"
)

// AptGet is apt-get(8) for its list of index files, where the tree has no source of
// packages yet.
func AptGet(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 0 || c.Args[0] != "indextargets" {
		return 1, c.Unhonoured("packages come from the lock")
	}
	text, err := c.FS.ReadIfThere("/etc/apt/sources.list")
	if err != nil {
		return 1, err
	}
	if len(text) > 0 || len(c.FS.Glob("/etc/apt/sources.list.d/*")) > 0 {
		return 1, c.Unhonoured("the tree has sources of packages")
	}
	return 0, nil
}
