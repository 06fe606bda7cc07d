package command

import (
	"context"
	"slices"
)

// DpkgTrigger is dpkg-trigger(1): it records the trigger for the time when all
// packages are configured.
func DpkgTrigger(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "by-package= no-await await no-act check-supported admindir= root=")
	if err != nil {
		return 2, err
	}
	switch {
	case o.has("admindir") || o.has("root"):
		return 2, unhonoured(c, "there is one database only")
	case o.has("check-supported"):
		return 0, nil
	case len(o.rest) != 1:
		return complain(c, 2, "error: takes one argument, the trigger name")
	case o.has("no-act"):
		return 0, nil
	}
	m := c.Machine
	if !slices.Contains(m.Triggers, o.rest[0]) {
		m.Triggers = append(m.Triggers, o.rest[0])
	}
	return 0, nil
}
