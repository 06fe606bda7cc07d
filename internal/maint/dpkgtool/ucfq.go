package dpkgtool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// Ucfq is ucfq(1) --with-colons for files: the file, its package, whether it is
// there, and whether it differs from what ucf installed; empty where ucf knows
// nothing.
func Ucfq(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("with-colons,w")
	if err != nil {
		return 1, err
	}
	if !o.Has("with-colons") {
		return 1, c.Unhonoured("only --with-colons is known")
	}
	registry, err := c.FS.ReadIfThere("/var/lib/ucf/registry")
	if err != nil {
		return 1, err
	}
	u := &ucf{c: c, state: "/var/lib/ucf"}
	for _, file := range o.Rest {
		if !strings.HasPrefix(file, "/") {
			return 1, c.Unhonoured("packages are not asked for")
		}
		owner, there, changed := "", "", ""
		for _, line := range command.NonEmptyLines(registry) {
			if name, path, _ := strings.Cut(line, " "); strings.TrimSpace(path) == file {
				owner = name
			}
		}
		u.dest = file
		sum, err := u.lastSum()
		if err != nil {
			return 1, err
		}
		if c.FS.IsFile(file) {
			text, err := c.FS.ReadFile(file)
			if err != nil {
				return 1, err
			}
			there = "Yes"
			if sum != "" {
				changed = map[bool]string{true: "No", false: "Yes"}[md5Hex(text) == sum]
			}
		}
		c.Say("%s:%s:%s:%s", file, owner, there, changed)
	}
	return 0, nil
}
