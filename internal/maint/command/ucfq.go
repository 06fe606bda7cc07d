package command

import (
	"context"
	"strings"
)

// Ucfq is ucfq(1) --with-colons for files: the file, its package, whether it is
// there, and whether it differs from what ucf installed; empty where ucf knows
// nothing.
func Ucfq(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "with-colons,w")
	if err != nil {
		return 1, err
	}
	if !o.has("with-colons") {
		return 1, unhonoured(c, "only --with-colons is known")
	}
	registry, err := readIfThere(c.FS, "/var/lib/ucf/registry")
	if err != nil {
		return 1, err
	}
	u := &ucf{c: c, state: "/var/lib/ucf"}
	for _, file := range o.rest {
		if !strings.HasPrefix(file, "/") {
			return 1, unhonoured(c, "packages are not asked for")
		}
		owner, there, changed := "", "", ""
		for _, line := range nonEmptyLines(registry) {
			if name, path, _ := strings.Cut(line, " "); strings.TrimSpace(path) == file {
				owner = name
			}
		}
		u.dest = file
		sum, err := u.lastSum()
		if err != nil {
			return 1, err
		}
		if isFile(c.FS, file) {
			text, err := c.FS.ReadFile(file)
			if err != nil {
				return 1, err
			}
			there = "Yes"
			if sum != "" {
				changed = map[bool]string{true: "No", false: "Yes"}[md5Hex(text) == sum]
			}
		}
		say(c, "%s:%s:%s:%s", file, owner, there, changed)
	}
	return 0, nil
}
